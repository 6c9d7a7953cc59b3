// Load this for properties of one's own: `#load "generators.fsx"`. Random networks, sound and broken, for FsCheck.
#load "modnet.fsx"
#r "../artifacts/bin/ModNet.Cli/release/FsCheck.dll"
#r "../artifacts/bin/ModNet.Cli/release/ModNet.Generators.dll"
