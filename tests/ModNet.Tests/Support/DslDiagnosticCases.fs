/// Networks with what `check` must say of them, word for word.
module ModNet.Tests.DslDiagnosticCases

open Expecto
open ModNet

/// Each line is a diagnostic's id and text, in order.
type Case = { Name: string; Network: Network; Lines: string list }

let says name network lines = { Name = name; Network = network; Lines = lines }

/// What `check` tells of the network: `ID PLACE: expected …, got … – REMEDY`.
let told network =
    match check network with
    | Ok _ -> []
    | Error diagnostics -> [ for diagnostic in diagnostics -> $"{diagnostic.Fault.Id} {diagnostic}" ]

let test case = testCase case.Name <| fun () -> Expect.equal (told case.Network) case.Lines case.Name

let isSound name network = testCase name <| fun () -> Expect.isOk (check network) name

/// A network of vectors [2] whose one body layer is this.
let around (layer: Layer) =
    network "net" {
        features 2
        layer
        bernoulli
    }

let ofLayers layers : Network = { Name = "net"; Layers = layers }
