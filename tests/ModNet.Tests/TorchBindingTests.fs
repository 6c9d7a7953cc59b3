/// The way to libtorch: found, loaded, called by name, and its errors.
module ModNet.Tests.TorchBindingTests

open System
open System.Reflection
open System.Runtime.InteropServices
open System.Threading
open Expecto
open ModNet.Torch
open ModNet.Tests.TorchSupport
open TorchSharp

/// Runs with an environment variable set, then restores it.
let private withVariable name (value: string) code =
    let before = Environment.GetEnvironmentVariable name
    Environment.SetEnvironmentVariable(name, value)

    try
        code ()
    finally
        Environment.SetEnvironmentVariable(name, before)

let private single (results: obj[]) = results[0] :?> torch.Tensor

/// The real environment, of which .NET keeps a copy.
[<DllImport("libc", EntryPoint = "getenv")>]
extern nativeint private variable([<MarshalAs(UnmanagedType.LPUTF8Str)>] string name)

let private idle =
    testCase "threads of libraries wait asleep, unless the environment says otherwise" (fun () ->
        Libtorch.EnsureLoaded()

        for name, own in [ "OMP_WAIT_POLICY", "passive"; "OPENBLAS_THREAD_TIMEOUT", "18" ] do
            let expected =
                Environment.GetEnvironmentVariable name
                |> Option.ofObj
                |> Option.defaultValue own

            Expect.equal (Marshal.PtrToStringUTF8(variable name)) expected name)

let private finding =
    testList "libtorch is found" [
        testCase "the probe tells version, place and shim" (fun () ->
            Libtorch.EnsureLoaded()
            let found = Libtorch.Probe()
            Expect.isNull found.Problem "nothing is missing"
            Expect.isTrue (found.Version.StartsWith(char (int '0' + System.Version(found.Version).Major))) "a version"
            Expect.isTrue found.ShimCached "the shim is cached"
            Expect.equal found.ShimPath Libtorch.LoadedShim "the cached shim is the loaded one"
            Expect.stringStarts torch.__version__ found.Version "headers and library agree")

        testCase "a MODNET_LIBTORCH that leads nowhere is said clearly" (fun () ->
            withVariable "MODNET_LIBTORCH" "/nowhere/libtorch" (fun () ->
                let found = Libtorch.Probe()
                Expect.isNull found.Version "nothing found"

                for part in
                    [
                        "libtorch not found"
                        "/nowhere/libtorch (MODNET_LIBTORCH): neither"
                        "expected"
                        "apt-get install libtorch-dev libopenblas0-pthread g++"
                        "set MODNET_LIBTORCH"
                    ] do
                    Expect.stringContains found.Problem part "the message"))

        testCase "a directory with headers only is told apart" (fun () ->
            let directory = IO.Directory.CreateTempSubdirectory "modnet"

            try
                let headers = directory.CreateSubdirectory "include/torch"
                IO.File.WriteAllText(IO.Path.Combine(headers.FullName, "version.h"), "#define TORCH_VERSION \"2.0.0\"")

                withVariable "MODNET_LIBTORCH" directory.FullName (fun () ->
                    Expect.stringContains (Libtorch.Probe()).Problem "headers only" "the message")
            finally
                directory.Delete true)

        testCase "a missing compiler is said clearly" (fun () ->
            withVariable "CXX" "no-such-compiler" (fun () ->
                Expect.stringContains (ShimCompiler.MissingCompiler()) "no-such-compiler" "what was looked for"
                Expect.stringContains (ShimCompiler.MissingCompiler()) "apt-get install" "the remedy"))

        testCase "another version, another shim" (fun () ->
            let installation = Discovery.Find()

            let other =
                Installation(installation.Lib, installation.Include, "9.9.9", installation.Source)

            Expect.notEqual (ShimCompiler.PathFor installation) (ShimCompiler.PathFor other) "paths differ")
    ]

let private calling =
    testList "operators by name" [
        testCase "every operator the assembly names exists in this libtorch" (fun () ->
            let flags = BindingFlags.Static ||| BindingFlags.NonPublic ||| BindingFlags.Public

            let missing =
                typeof<Libtorch>.Assembly.GetTypes()
                |> Seq.collect _.GetFields(flags)
                |> Seq.filter (fun field -> field.FieldType = typeof<Op>)
                |> Seq.choose (fun field ->
                    try
                        (field.GetValue null :?> Op).Schema |> ignore
                        None
                    with :? ExternalException as e ->
                        Some e.Message)
                |> Seq.toList

            Expect.equal missing [] "operators missing")

        scoped "overload, arguments and defaults" (fun () ->
            let a, b = doubles [ 1.0; 2.0 ], doubles [ 10.0; 20.0 ]
            let plain = Operators.Call("add", "Tensor", a, b)
            closeTo (values (single plain)) [ 11.0; 22.0 ] "alpha is 1 by default"
            let scaled = Operators.Call("aten::add", "Tensor", a, b, 2)
            closeTo (values (single scaled)) [ 21.0; 42.0 ] "alpha given"

            let skipped =
                Operators.Call("sum", "dim_IntList", a, Arg.op_Implicit [| 0L |], Arg.Default, torch.float32)

            Expect.equal (single skipped).dtype torch.float32 "an argument in the middle left to its default")

        scoped "results of every kind" (fun () ->
            let x = doubles [ 3.0; 1.0; 2.0 ]
            let sorted = Operators.Call("sort", "", x)
            Expect.equal sorted.Length 2 "values and indices"
            let pieces = Operators.Call("split", "Tensor", x, 2)
            Expect.equal (pieces[0] :?> torch.Tensor[]).Length 2 "a list of tensors"
            Expect.equal (Operators.Call("equal", "", x, x)[0]) (box true) "a bool"
            Expect.equal (Operators.Call("size", "int", x, 0)[0]) (box 3L) "an int"
            Expect.equal (Operators.Call("item", "", x.select (0L, 0L))[0]) (box 3.0) "a number")

        testCase "existence and schema" (fun () ->
            Expect.isTrue (Operators.Exists("matmul")) "matmul"
            Expect.isFalse (Operators.Exists("no_such_operator")) "no_such_operator"
            Expect.stringStarts (Operators.Schema "relu") "aten::relu(Tensor self)" "schema")
    ]

let private failing =
    testList "errors" [
        scoped "carry libtorch's message" (fun () ->
            let kind, message =
                messageOf (fun () -> torch.zeros(2L, 3L).matmul(torch.zeros (2L, 3L)) |> ignore)

            Expect.equal kind typeof<ExternalException> "type"
            Expect.stringContains message "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)" "message"
            Expect.isFalse (message.Contains "frame #") "no C++ backtrace")

        scoped "name an unknown operator" (fun () ->
            let _, message =
                messageOf (fun () -> Operators.Call("no_such_operator", "x") |> ignore)

            Expect.stringContains message "has no operator aten::no_such_operator.x" "message")

        scoped "name the argument of the wrong kind" (fun () ->
            let _, message =
                messageOf (fun () -> Operators.Call("dropout", "", torch.zeros 2L, "half", true) |> ignore)

            Expect.stringContains message "aten::dropout(): argument 'p' expected float" "message")

        scoped "name the missing argument" (fun () ->
            let _, message =
                messageOf (fun () -> Operators.Call("matmul", "", torch.zeros 2L) |> ignore)

            Expect.stringContains message "missing argument 'other'" "message")

        testCase "a disposed tensor" (fun () ->
            let t = torch.zeros 2L
            t.Dispose()
            Expect.isTrue t.IsInvalid "invalid"
            Expect.throwsT<InvalidOperationException> (fun () -> t.neg () |> ignore) "use after dispose")

        testCase "after an error the next call works" (fun () ->
            messageOf (fun () ->
                Operators.Call("reshape", "", torch.zeros 4L, Arg.op_Implicit [| 3L |])
                |> ignore)
            |> ignore

            use t = torch.ones(4L).sum()
            Expect.equal (t.ToInt32()) 4 "sum")
    ]

let private threading =
    testList "threads" [
        testCase "two threads compute side by side, each with its own scope and gradient mode" (fun () ->
            let failures = Collections.Concurrent.ConcurrentQueue<string>()

            let work recording =
                Thread(fun () ->
                    try
                        use mode = torch.set_grad_enabled recording

                        for i in 1..200 do
                            use scope = torch.NewDisposeScope()
                            let x = (doubles [ float i; 1.0 ]).requires_grad_ true
                            let y = (x * x).sum()

                            if y.requires_grad <> recording then
                                failures.Enqueue "gradient mode leaked"

                            if recording then
                                y.backward ()

                                if (values x.grad)[0] <> 2.0 * float i then
                                    failures.Enqueue "wrong gradient"
                    with e ->
                        failures.Enqueue(string e))

            let threads = [ work true; work false; work true ]
            threads |> List.iter _.Start()
            threads |> List.iter _.Join()
            Expect.equal (List.ofSeq failures) [] "failures")

        testCase "the thread count can be set" (fun () ->
            let before = torch.get_num_threads ()

            try
                torch.set_num_threads 1
                Expect.equal (torch.get_num_threads ()) 1 "one"
            finally
                torch.set_num_threads before

            Expect.isGreaterThanOrEqual before 1 "before")
    ]

[<Tests>]
let tests = testList "torch binding" [ idle; finding; calling; failing; threading ]
