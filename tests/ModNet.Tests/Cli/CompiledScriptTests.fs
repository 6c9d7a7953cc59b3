/// Scripts that were compiled before: they do what F# Interactive has them do.
module ModNet.Tests.CompiledScriptTests

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open System.Threading
open Expecto
open ModNet.Cli
open ModNet.Tests.Clone

let private load =
    let path = Path.Combine(root, "notebooks", "modnet.fsx")
    $"#load @\"{path}\"\n"

/// A network in a file that another loads, and a script that ends as its last word says.
let private several (directory: string) : string =
    write
        directory
        "nets.fsx"
        (load
         + "open ModNet\nlet net_of k = network \"two\" { features 2; modular { modules 3; unit (linear 2); choose k }; gaussian (variance 0.1) }\n"
         + "let broken () : int = raise (System.InvalidOperationException \"from a loaded file\")\n")
    |> ignore

    write
        directory
        "a script.fsx"
        (load
         + """#load "nets.fsx"
open ModNet
type Kind = { Name: string }
let words = fsi.CommandLineArgs
printfn "%A %s %s %s %A" words __SOURCE_DIRECTORY__ __SOURCE_FILE__ __LINE__ { Name = "kind" }
#if INTERACTIVE
printfn "for F# Interactive"
#endif
words.Length + 1
eprintfn "to the error output"
let values = [| 1 .. 8 |]
System.Threading.Tasks.Parallel.For(0, 8, fun i -> if values[i] > 8 then exit 9) |> ignore
if Array.contains "--leave" words then exit 7
if Array.contains "--mistake" words then raise (ModNet.Runtime.UserException "a mistake of the user's")
if Array.contains "--throw" words then
    Nets.broken () |> ignore
experiment { net (Nets.net_of 1); data (toy_regression { }); train (em { steps 6 }) } |> Program.main words
""")

let private wait (condition: unit -> bool) (what: string) =
    let clock = Stopwatch.StartNew()

    while not (condition ()) do
        if clock.Elapsed > TimeSpan.FromMinutes 4.0 then failtest what
        Thread.Sleep 50

/// Runs `check` with compiled scripts in a folder.
let private check (scripts: string) (words: string list) =
    modnetWith [ CompiledScript.variable, scripts ] ("check" :: words)

/// What the runner gives for a script, with compiled scripts in a folder.
let private inFolder (scripts: string) (action: unit -> 'Result) : 'Result =
    let before = Environment.GetEnvironmentVariable CompiledScript.variable
    Environment.SetEnvironmentVariable(CompiledScript.variable, scripts)

    try
        action ()
    finally
        Environment.SetEnvironmentVariable(CompiledScript.variable, before)

let private found (scripts: string) (script: string) : CompiledScript option =
    inFolder scripts (fun () -> CompiledScript.ofScript script)

let private isThere (compiled: CompiledScript) = File.Exists(Path.Combine(compiled.Folder, "script.dll"))

/// Without the frames of stack traces, but for the places in the script that they name.
let private told (text: string) =
    Regex.Replace(
        text,
        @"^   at .*?( in .*:line \d+)?\r?\n",
        (fun (frame: Match) -> frame.Groups[1].Value),
        RegexOptions.Multiline
    )

let private keep (scripts: string) (key: string) (script: string) =
    modnetWith [ CompiledScript.variable, scripts ] [ CompiledScript.keepWord; key; script ]

[<Tests>]
let tests =
    testList "compiled scripts" [
        testInDirectory "do what they did with F# Interactive: output, errors, places, exit codes"
        <| fun directory ->
            let script = several directory
            let scripts = Path.Combine(directory, "scripts")
            let ways = [ []; [ "--leave" ]; [ "--mistake" ]; [ "--throw" ] ]
            let before = [ for way in ways -> check "off" (script :: way) ]
            Expect.isFalse (Directory.Exists scripts) "nothing is compiled where that is off"
            Expect.equal (check scripts [ script ]) before.Head "the run after which it is compiled"
            let compiled = (found scripts script).Value
            wait (fun () -> isThere compiled) "it is not compiled"
            Expect.equal [ for code, _, _ in before -> code ] [ 0; 7; 1; 1 ] "the ways that it ends"

            for way, (code, output, errors) in List.zip ways before do
                let code', output', errors' = check scripts (script :: way)
                Expect.equal output' output $"output of {way}"
                Expect.equal code' code $"exit code of {way}"
                Expect.equal (told errors') (told errors) $"error output of {way}"
                Expect.isFalse (errors'.Contains "FSI_") $"{way} without F# Interactive"

            let _, _, thrown = before[3]
            Expect.stringContains thrown "FSI_" "F# Interactive tells where"
            Expect.stringContains (told thrown) "a script.fsx:line 17" "the line"

        testInDirectory "are others when the script, or what it loads, changes"
        <| fun directory ->
            let script = several directory
            let scripts = Path.Combine(directory, "scripts")
            let key () = (found scripts script).Value.Key
            let first = key ()
            Expect.equal (key ()) first "the same from the same"
            let nets = Path.Combine(directory, "nets.fsx")
            let text = File.ReadAllText nets
            File.WriteAllText(nets, text.Replace("modules 3", "modules 4"))
            Expect.notEqual (key ()) first "what it loads"
            File.WriteAllText(nets, text)
            Expect.equal (key ()) first "by content, not by time"
            File.AppendAllText(script, "printfn \"more\"\n")
            Expect.notEqual (key ()) first "the script"
            let moved = Path.Combine(directory, "moved")
            Directory.CreateDirectory moved |> ignore
            File.Copy(nets, Path.Combine(moved, "nets.fsx"))
            File.Copy(script, Path.Combine(moved, "a script.fsx"))
            let there = (found scripts (Path.Combine(moved, "a script.fsx"))).Value
            Expect.notEqual there.Key (key ()) "the place, which the script may name"

        testInDirectory "are made whole by two processes at once, and not from another content than the key's"
        <| fun directory ->
            let scripts = Path.Combine(directory, "scripts")
            let script = write directory "small.fsx" (load + "printfn \"small\"\n")
            let compiled = (found scripts script).Value

            // Older ones make room.
            for age in 1..120 do
                let folder = Path.Combine(scripts, $"old{age}")
                Directory.CreateDirectory folder |> ignore
                Directory.SetLastWriteTimeUtc(folder, DateTime.UtcNow.AddHours(float -age))

            let keeping () = async { return keep scripts compiled.Key script }
            let ends = [ keeping (); keeping () ] |> Async.Parallel |> Async.RunSynchronously
            Expect.equal ends [| 0, "", ""; 0, "", "" |] "both end in silence"
            Expect.isTrue (isThere compiled) "it is there"
            let names = Directory.GetFileSystemEntries scripts |> Array.map Path.GetFileName
            Expect.equal names.Length 100 "as many as are kept, and nothing unfinished"
            Expect.contains names "old99" "the younger ones are kept"
            Expect.isFalse (Array.contains "old100" names) "older ones are not"
            keep scripts (String('0', 32)) script |> ignore
            Expect.equal (Directory.GetFileSystemEntries scripts).Length 100 "nothing under another's key"

        testInDirectory "are not made of what the compiler warns of, nor of what does not compile"
        <| fun directory ->
            let scripts = Path.Combine(directory, "scripts")

            let warned =
                write
                    directory
                    "warned.fsx"
                    (load + "let f x = match x with Some 1 -> 2\nprintfn \"%d\" (f (Some 1))\n")

            let compiled = (found scripts warned).Value
            keep scripts compiled.Key warned |> ignore
            Expect.isTrue (Directory.Exists compiled.Folder) "it is known not to be tried again"
            Expect.isFalse (isThere compiled) "and not compiled"
            let broken = write directory "broken.fsx" (load + "let x: int = \"text\"\n")
            let first = check scripts [ broken ]
            Expect.equal (check scripts [ broken ]) first "the same message again"
            let code, _, errors = first
            Expect.equal code 1 "a failure"
            Expect.stringContains errors "broken.fsx(2,14): error FS0001" "F# Interactive's message"
            Expect.isFalse (Directory.Exists (found scripts broken).Value.Folder) "nothing is kept"

        testInDirectory "are made only of what compiled code does the same"
        <| fun directory ->
            let reference = Path.Combine(Path.GetDirectoryName cli, "ModNet.Lab.dll")
            let loaded = write directory "loaded.fsx" "let one = 1\n"
            write directory "threads.fsx" "let one = Array.Parallel.map id [| 1 |]\n" |> ignore
            let parts (text: string) = ScriptParts.ofScript (write directory "asked.fsx" text)
            let asked = Path.Combine(directory, "asked.fsx")

            Expect.equal
                (parts
                    $"#r @\"{reference}\"\n#nowarn \"20\"\n#load \"loaded.fsx\" \"loaded.fsx\"\n// #time\n#if INTERACTIVE\nfsi.CommandLineArgs\n#endif\n")
                (Some { Sources = [ asked; loaded ]; References = [ reference ] })
                "its parts"

            Expect.isSome (parts "Array.Parallel.map id [| 1 |]") "threads in the script itself"

            for text in
                [
                    "#r \"nuget: ModNet\""
                    "#i \"nuget: /packages\""
                    "#I \"..\""
                    "#time"
                    "#load \"missing.fsx\""
                    "#r \"missing.dll\""
                    "#load \"threads.fsx\""
                    "fsi.ShowProperties <- false"
                    "fsi"
                    "#if COMPILED\n#endif"
                    "[<EntryPoint>]\nlet main _ = 0"
                    "System.Environment.GetCommandLineArgs()"
                ] do
                Expect.isNone (parts $"#load \"loaded.fsx\"\n{text}\n") text
    ]
