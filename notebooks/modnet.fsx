// Load this first in a script or notebook: `#load "modnet.fsx"`. It refers to ModNet as ./modnet built it.
#if TORCHSHARP_PACKAGE
#r "../artifacts/bin/ModNet.Cli/release/TorchSharp.dll"
#else
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Torch.dll"
#endif
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Kernels.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Runtime.dll"
#r "../artifacts/bin/ModNet.Cli/release/CsvHelper.dll"
#r "../artifacts/bin/ModNet.Cli/release/System.CommandLine.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Dsl.dll"
