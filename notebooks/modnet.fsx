// Load this first in a script or notebook: `#load "modnet.fsx"`. It refers to ModNet as ./modnet built it.
#r "../artifacts/bin/ModNet.Cli/release/TorchSharp.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Kernels.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Runtime.dll"
#r "../artifacts/bin/ModNet.Cli/release/CsvHelper.dll"
#r "../artifacts/bin/ModNet.Cli/release/System.CommandLine.dll"
#r "../artifacts/bin/ModNet.Cli/release/DynamicObj.dll"
#r "../artifacts/bin/ModNet.Cli/release/Giraffe.ViewEngine.dll"
#r "../artifacts/bin/ModNet.Cli/release/Newtonsoft.Json.dll"
#r "../artifacts/bin/ModNet.Cli/release/Plotly.NET.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Language.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Figures.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Lab.dll"

// From here on TorchSharp finds its native libraries, also in a script that uses `torch` before anything of ModNet's.
ModNet.Runtime.Libtorch.Ready()
