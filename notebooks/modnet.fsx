// Load this first in a script or notebook: `#load "modnet.fsx"`. It refers to ModNet as ./modnet built it.
#r "../artifacts/bin/ModNet.Cli/release/TorchSharp.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Kernels.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Runtime.dll"
#r "../artifacts/bin/ModNet.Cli/release/CsvHelper.dll"
#r "../artifacts/bin/ModNet.Cli/release/Parquet.dll"
#r "../artifacts/bin/ModNet.Cli/release/Google.Protobuf.dll"
#r "../artifacts/bin/ModNet.Cli/release/OnnxSharp.dll"
#r "../artifacts/bin/ModNet.Cli/release/Spectre.Console.Ansi.dll"
#r "../artifacts/bin/ModNet.Cli/release/Spectre.Console.dll"
#r "../artifacts/bin/ModNet.Cli/release/System.CommandLine.dll"
#r "../artifacts/bin/ModNet.Cli/release/DynamicObj.dll"
#r "../artifacts/bin/ModNet.Cli/release/Giraffe.ViewEngine.dll"
#r "../artifacts/bin/ModNet.Cli/release/Newtonsoft.Json.dll"
#r "../artifacts/bin/ModNet.Cli/release/Plotly.NET.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Language.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Figures.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Lab.dll"

// A kernel of notebooks may bring an FSharp.Core that is older than the one that Plotly.NET asks for (10.1). The runtime refuses that by its number alone, so
// here whoever asks for a newer one is given the one that runs.
System.Runtime.Loader.AssemblyLoadContext.Default.add_Resolving (fun _ asked ->
    if asked.Name = "FSharp.Core" then typeof<int list>.Assembly else null)

// From here on a script that ./modnet runs ends with it, also where it has not come to its experiment yet.
ModNet.Runtime.ParentProcess.Follow()

// From here on TorchSharp finds its native libraries, also in a script that uses `torch` before anything of ModNet's.
ModNet.Runtime.Libtorch.Ready()
