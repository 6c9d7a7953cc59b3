namespace ModNet.Tests

open System
open System.IO
open ModNet.Runtime
open TorchSharp

/// Tensors to plain numbers and back, for comparing the runtime with plain arithmetic.
[<AutoOpen>]
module Values =

    let generator (seed: int) = new torch.Generator(uint64 seed, torch.CPU)

    /// An initialiser of double-precision parameters.
    let doubles (seed: int) = ModNet.Runtime.Initialiser(generator seed, torch.ScalarType.Float64)

    /// N(0, 1) in double precision.
    let normal (seed: int) (shape: int list) =
        torch
            .empty(shape |> List.map int64 |> Array.ofList, dtype = torch.ScalarType.Float64)
            .normal_(0.0, 1.0, generator seed)

    /// Whole numbers in [0, limit).
    let indices (seed: int) (limit: int) (rows: int) (columns: int) =
        torch.randint (int64 limit, [| int64 rows; int64 columns |], torch.ScalarType.Int64, generator = generator seed)

    let numbers (t: torch.Tensor) : float[] = TensorArrays.Vector<float> t

    let integers (t: torch.Tensor) : int[] = TensorArrays.Vector<int> t

    let vector (t: torch.Tensor) = numbers t

    let matrix (t: torch.Tensor) : float[][] = numbers t |> Array.chunkBySize (int t.shape[1])

    let cube (t: torch.Tensor) : float[][][] =
        numbers t |> Array.chunkBySize (int t.shape[2]) |> Array.chunkBySize (int t.shape[1])

    /// The largest difference between two tensors of one shape; infinite where shapes differ or a number is not finite.
    let distance (a: torch.Tensor) (b: torch.Tensor) =
        if a.shape <> b.shape then
            infinity
        else
            Array.zip (numbers a) (numbers b)
            |> Array.fold
                (fun most (x, y) ->
                    let d = abs (x - y)
                    if Double.IsNaN d then infinity else max most d)
                0.0

    /// The tensors that this thread made and nobody has disposed of. TorchSharp's counters also count, for ever, gradients that came undefined,
    /// of which there is nothing to dispose; its Tensor.TotalCount moreover what a parameter was made from.
    let liveTensors () : int64 =
        DisposeScopeManager.Statistics.ThreadTotalLiveCount - FusedModularGru.UndefinedGradients

    /// Runs in a dispose scope, so that a test leaves no tensor behind.
    let scoped (body: unit -> 'Result) : 'Result =
        use _scope = torch.NewDisposeScope()
        body ()

    /// Where tests have their directories: in memory, where there is a file system that has room and lets programs run, since runs wait for the
    /// disk at every checkpoint.
    let private temporary =
        lazy
            (let memory = "/dev/shm"

             let isUsable (mount: string) =
                 match mount.Split ' ' with
                 | [| _; place; _; options; _; _ |] ->
                     place = memory && not (options.Split(',') |> Array.contains "noexec")
                 | _ -> false

             let mounts = if File.Exists "/proc/mounts" then File.ReadAllLines "/proc/mounts" else [||]

             if Array.exists isUsable mounts && DriveInfo(memory).AvailableFreeSpace > (4L <<< 30) then
                 memory
             else
                 Path.GetTempPath())

    /// Runs in a fresh directory that goes away afterwards.
    let inDirectory (body: string -> 'Result) : 'Result =
        let directory = Path.Combine(temporary.Value, $"modnet-test-{Guid.NewGuid():N}")
        Directory.CreateDirectory directory |> ignore

        try
            body directory
        finally
            Directory.Delete(directory, true)

    /// A test that leaves no tensor behind.
    let testScoped (name: string) (body: unit -> unit) = Expecto.Tests.testCase name (fun () -> scoped body)

    /// A test in a fresh directory that goes away afterwards.
    let testInDirectory (name: string) (body: string -> unit) = Expecto.Tests.testCase name (fun () -> inDirectory body)

    /// How a property is tried: on so many cases, made by these arbitraries, the same in every run.
    let trying (count: int) (arbitraries: Type) (replay: uint64 * uint64) : Expecto.FsCheckConfig =
        let seed, gamma = replay

        {
            Expecto.FsCheckConfig.defaultConfig with
                maxTest = count
                arbitrary = [ arbitraries ]
                replay = Some(seed, gamma, None)
        }
