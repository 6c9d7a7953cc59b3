/// Dependencies between the projects run one way.
module ModNet.Tests.ArrowsTests

open System
open System.IO
open System.Reflection.Metadata
open System.Reflection.PortableExecutable
open Expecto

/// The names of the assemblies that a built assembly uses.
let private references (assembly: string) : string list =
    use file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll")))

    let metadata = file.GetMetadataReader()

    [
        for handle in metadata.AssemblyReferences -> metadata.GetString((metadata.GetAssemblyReference handle).Name)
    ]

let private ours (name: string) = name.StartsWith "ModNet."

/// Each assembly, the assemblies of ours that it may use, and other packages that it must not know.
let private arrows = [
    "ModNet.Kernels", [], [ "TorchSharp"; "FSharp.Core" ]
    "ModNet.Runtime", [ "ModNet.Kernels" ], [ "FSharp.Core"; "Plotly.NET" ]
    "ModNet.Language", [], [ "TorchSharp"; "Plotly.NET" ]
    "ModNet.Figures", [], [ "TorchSharp" ]
    "ModNet.Lab", [ "ModNet.Language"; "ModNet.Figures"; "ModNet.Runtime" ], []
    "ModNet.Generators", [ "ModNet.Language"; "ModNet.Lab"; "ModNet.Runtime" ], [ "Plotly.NET" ]
    "ModNet.Cli", [ "ModNet.Lab"; "ModNet.Language"; "ModNet.Figures"; "ModNet.Runtime" ], []
]

[<Tests>]
let tests =
    testList "arrows" [
        for assembly, allowed, foreign in arrows do
            test $"{assembly} uses what it may use and nothing else" {
                let used = references assembly
                Expect.containsAll allowed (List.filter ours used) "our own assemblies"

                for name in foreign do
                    Expect.isFalse (List.contains name used) $"no {name}"
            }

        test "the references are really read" {
            Expect.contains (references "ModNet.Runtime") "TorchSharp" "the runtime stands on TorchSharp"
            Expect.contains (references "ModNet.Lab") "ModNet.Runtime" "the lab runs the runtime"
        }
    ]
