/// What a script says and what a C# program says have the same names.
module ModNet.Tests.NameTests

open Expecto
open Microsoft.FSharp.Reflection
open ModNet

/// The classes of the runtime, by name.
let private classes = set [ for kind in typeof<Runtime.Graph>.Assembly.GetExportedTypes() -> kind.Name ]

/// The words of a union that have a class of another name, or none.
let private others: (System.Type * (string * string option) list) list = [
    typeof<Layer>,
    [
        // Inputs are what a dataset holds.
        "Tokens", None
        "Features", None
        "Sequence", None
        "Image", None
        "Tasks", None
        "LastStep", Some "OverStepsNode"
        "MeanSteps", Some "OverStepsNode"
        "MaxPool", Some "PoolingNode"
        "AvgPool", Some "PoolingNode"
        "SumOf", Some "BranchNode"
        "ConcatOf", Some "BranchNode"
        "Repeat", Some "ChainNode"
        "Block", Some "ChainNode"
        "Uncoupling", Some "CouplingNode"
    ]
    typeof<Controller>, []
    typeof<Method>, [ "Em", Some "ViterbiEm"; "Exact", Some "ExactLikelihood" ]
    typeof<Optimizer>, []
    typeof<Data>,
    [
        "Text", Some "TextCorpus"
        "Csv", Some "CsvFile"
        // A dataset as it is.
        "InMemory", Some "Dataset"
        "Generated", Some "Dataset"
        "Stream", Some "TaskStream"
    ]
]

/// What the runtime adds to a word's name.
let private endings = [ ""; "Node"; "Layer"; "Head"; "Controller"; "Kind" ]

[<Tests>]
let tests =
    testList "names" [
        for union, others in others do
            test $"the words of {union.Name} are the names of the runtime's classes" {
                let words = [ for case in FSharpType.GetUnionCases union -> case.Name ]

                for word, _ in others do
                    Expect.contains words word "a word that there is"

                for word in words do
                    match Map.tryFind word (Map.ofList others) with
                    | Some None -> ()
                    | Some(Some other) -> Expect.isTrue (classes.Contains other) $"{other}, the class of {word}"
                    | None ->
                        Expect.isNonEmpty
                            (endings |> List.filter (fun ending -> classes.Contains(word + ending)))
                            $"a class with the name of {word}"
            }

        test "a network over classes has the head of its word, under its name in checkpoints" {
            let headOf (declared: Network) =
                use graph = compile 1 declared
                graph.Head.GetType().Name, graph.Head.Name

            let mapped =
                network "mapped" {
                    features 3
                    softmax 4
                }

            let bare =
                network "bare" {
                    features 3
                    categorical
                }

            Expect.equal (headOf mapped) ("SoftmaxHead", "softmax") "with a linear map"
            Expect.equal (headOf bare) ("CategoricalHead", "categorical") "without one"
        }
    ]
