namespace ModNet

open System
open ModNet.Runtime
open TorchSharp

/// Finds devices: by the words of the command line, and in libtorch.
[<RequireQualifiedAccess>]
module internal Devices =

    let private remedy = "say --device cpu, or give a libtorch with CUDA through MODNET_LIBTORCH"

    /// The device that `cpu`, `cuda` or `cuda:N` names, or `auto`: the first CUDA device where there is one, else the CPU.
    let parse (name: string) : Device =
        match name with
        | "cpu" -> Cpu
        | "auto" ->
            Libtorch.Load()
            if torch.cuda.is_available () then Cuda 0 else Cpu
        | "cuda" -> Cuda 0
        | name when name.StartsWith "cuda:" && fst (UInt16.TryParse(name.Substring 5)) -> Cuda(int (name.Substring 5))
        | name -> Refusal.refuse "--device" "auto, cpu, cuda or cuda:N" name remedy

    /// The device in libtorch. Raises UserException where it is not there.
    let find (device: Device) : torch.Device =
        match device with
        | Cpu -> torch.CPU
        | Cuda _ when not (torch.cuda.is_available ()) ->
            Refusal.refuse "--device" "a device that is there" $"{device}, and libtorch sees no CUDA device" remedy
        | Cuda index when index >= torch.cuda.device_count () ->
            Refusal.refuse "--device" $"an index below {torch.cuda.device_count ()}" (string device) remedy
        | device -> torch.device (string device)
