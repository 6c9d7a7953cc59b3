namespace ModNet.Tests

open Xunit
open Expecto.Bridge

// One test at a time: live tensors are counted, and that count is the process's.
[<assembly: CollectionBehavior(DisableTestParallelization = true)>]
do ()

/// Where xunit meets the assembly's test values.
type ModNet() =
    [<AllTests>]
    member _.Tests() = ()
