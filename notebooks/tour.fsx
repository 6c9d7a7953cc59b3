(**
# A tour of the language

ModNet declares *modular networks*: networks whose layers choose, for every datapoint, which K of M modules to run, and
which learn the modules and the choice together (Kirsch, Kunze, Barber 2018, "the paper"). This tour goes through the
language that declares them. It is a script, `notebooks/tour.fsx`, which runs as it stands in a clone:

    ./modnet doctor                        # once: builds
    dotnet fsi notebooks/tour.fsx

and a notebook, `notebooks/tour.ipynb`, made from the script by `./modnet notebook notebooks/tour.fsx`. All that is
printed below was printed by the code above it.
*)
#load "modnet.fsx"

open ModNet

(**
## A first network

A network is a list of layers in braces: an input, layers, a head. Sizes of inputs are inferred, so that a layer only says
what it gives. This is the network of the paper's toy regression: one modular layer, with two linear maps for modules, of
which a controller chooses one for each datapoint.
*)

let toy =
    network "toy" {
        features 2

        modular {
            modules 2
            unit (linear 2 |> no_bias)
            choose 1
        }

        gaussian (variance 0.02)
    }

printfn $"{Network.explain toy}"

(**
*Active* parameters and multiply-adds are what one datapoint uses: the cost of a modular layer follows K, what is chosen,
and not M, what exists. The controller's own are counted in. The same in a picture:
*)

Show.network toy

(**
A network is plain data: nothing was allocated, no tensor made. It can be compared, stored, and changed.
*)

let renamed = { toy with Name = "toy-2" }
printfn $"the same layers: {renamed.Layers = toy.Layers}; the same network: {renamed = toy}"

(**
## Every mistake at once

`check` infers every shape and gives either a summary or *all* that is wrong, in order of place. Each diagnostic says where,
what was expected, what was found, and what to do. One mistake is told once: layers after it are judged by what was meant.
*)

let broken =
    network "broken" {
        image (3, 8, 8)
        conv 16 9
        linear 32

        modular {
            modules 4
            unit (linear 32)
            choose 5
            controller Task
        }

        dropout 1.5
        residual { linear 16 }
    }

match check broken with
| Ok summary -> printfn $"{summary}"
| Error mistakes ->
    for mistake in mistakes do
        printfn $"{mistake.Fault.Id}\n    {mistake}"

(**
Other mistakes never get that far, since they do not compile: a misspelt word, a head in a pool, `modules` in a layer that
takes its modules `from` a shared pool.

## Modular layers

The settings of a modular layer, all of them optional but for its modules:

* `modules` and `unit`: M, and what each module is. A unit is a layer, an `mlp`, a `chain` of layers, `mixed` ones of equal
  signature, or a module of your own.
* `choose`: K. The outputs of the K chosen are summed (Eq. 1 of the paper), or set side by side by `combine Concat`.
* `controller`: the form of p(a | x): `Linear`, `Mlp [ … ]`, `Conv (…)` on images, `Task` on a task id beside the input, `Given`
  where the data bring the choices along, or your own.
* `duplicates Once`: a module that two positions chose counts once, as in the authors' library, not twice, as in Eq. 1.
* `stop_gradient`: the controller's loss does not reach the layers before (the second term of Eq. 8).
*)

let settings =
    network "settings" {
        features 16
        tasks 3

        modular {
            modules 10
            unit (linear 16 |> relu)
            choose 2
            duplicates Once
            controller (Mlp [ 32 ])
        }

        modular {
            unit (
                mixed {
                    linear 8
                    mlp [ 32; 8 ]

                    chain {
                        layer_norm
                        linear 8 |> tanh
                    }
                }
            )

            choose 2
            combine Concat
            controller Task
            stop_gradient
        }

        softmax 4
    }

printfn $"{Network.explain settings}"
Show.network settings

(**
## Shared pools

A pool with a name is one pool wherever it is used: by layers at different depths, and by a recurrent layer at every time
step. What is learned of a module in one place is there in all of them. Here is the paper's language model, whose GRU
chooses 1 of 15 modules at every word:
*)

let words =
    pool "words" {
        modules 15
        unit (linear 8 |> relu)
    }

let language_model =
    network "language-model" {
        tokens 10_000
        embed 32

        modular_gru {
            hidden 8
            from words
            choose 1
        }

        softmax 10_000
    }

Show.network language_model

(**
And here a pool serves three layers of one network. Its 6 modules are counted once, and each layer has a controller of its
own; that is what the summary's parameters show.
*)

let tools =
    pool "tools" {
        modules 6
        unit (linear 16 |> relu)
    }

let from_tools k =
    modular {
        from tools
        choose k
    }

let shared =
    network "shared" {
        features 16
        from_tools 1
        residual { from_tools 2 }
        from_tools 3
        bernoulli
    }

printfn $"{Network.explain shared}"
Show.network shared

(**
A pool has one signature. To use it where it does not fit is a mistake like any other:
*)

network "misfit" {
    features 16
    from_tools 1
    linear 8
    from_tools 1
    bernoulli
}
|> Network.explain
|> printfn "%s"

(**
## Images

Images are [channels, height, width]. A convolution keeps the size if it is `same`; modules may be convolutions, and as their
weights do not depend on the image's size, one pool can serve several sizes.
*)

let filters =
    pool "filters" {
        modules 8
        unit (conv 16 3 |> same |> relu)
    }

let filtered k =
    modular {
        from filters
        choose k
        controller (Conv(4, 3))
    }

let images k =
    network $"images-{k}" {
        image (3, 32, 32)
        conv 16 3 |> same |> relu
        filtered k
        max_pool 2

        residual {
            filtered k
            batch_norm
        }

        max_pool 2
        filtered k
        avg_pool 8
        flatten
        softmax 10
    }

Show.network (images 2)

(**
## Parts as values

A part of a network is a value: a layer, or a `chain` of layers. Functions give parts, and `for` and `if` work inside braces.
`sum_of` and `concat_of` set branches side by side (a `chain { }` without layers is x itself), `residual` adds what comes in,
`repeat` says layers several times over, each with parameters of its own, and a `block` gives a part a name, which then leads the
names of what is in it.
*)

let feed_forward width =
    residual {
        layer_norm
        linear (4 * width) |> relu
        linear width
    }

let parts depth =
    network "parts" {
        features 12

        block "stem" {
            concat_of {
                linear 8 |> relu

                chain {
                    linear 32 |> relu
                    linear 8
                }
            }
        }

        repeat depth {
            feed_forward 16
            from_tools 2
        }

        if depth > 3 then dropout 0.1

        sum_of {
            linear 4
            mlp [ 32; 4 ]
        }

        gaussian (learned_variance 1.0)
    }

Show.network (parts 6)

(**
Equal rounds are drawn once. The summary has them all; its names are the places that diagnostics, metrics and checkpoints
speak of:
*)

match check (parts 2) with
| Ok summary ->
    for row in summary.Rows do
        printfn $"{row.Name, -32} {row.Output}"
| Error mistakes -> failwith $"{mistakes}"

(**
## A sweep is a list

Since a network is the value of a function, a sweep over M and K is a list comprehension, and a table of costs needs no
training. M moves the parameters, K the work (what M adds to it is the controller's, which has K·M logits):
*)

let sweep = [
    for m in [ 4; 16; 64 ] do
        for k in [ 1; 2; 4 ] do
            network $"sweep-{m}-{k}" {
                features 64

                modular {
                    modules m
                    unit (linear 64 |> relu)
                    choose k
                }

                softmax 10
            }
]

printfn "%-12s %12s %12s %14s" "network" "parameters" "active" "multiply-adds"

for candidate in sweep do
    match check candidate with
    | Ok summary ->
        let total = summary.Total
        printfn $"{summary.Network, -12} {total.Parameters, 12:N0} {total.Active, 12:N0} {total.MultiplyAdds, 14:N0}"
    | Error mistakes -> failwith $"{mistakes}"

(**
## Modules of your own

Any `nn.Module<Tensor, Tensor>` of TorchSharp's, or a function of weights, is a layer, a unit or a controller, once it says
what it reads and gives. It is held to that when the network is compiled.
*)

let gain =
    custom "gain" {
        reads (Shape.Vector 4)
        gives (Shape.Vector 4)
        weight "gain" [ 4 ]
        multiply_adds 4L
        from_function (fun weights x -> x * weights["gain"])
    }

let with_gain =
    network "with-gain" {
        features 4

        modular {
            modules 3
            unit gain
            choose 2
        }

        bernoulli
    }

printfn $"{Network.explain with_gain}"

let graph = compile 1 with_gain

for struct (name, parameter) in graph.named_parameters () do
    printfn $"{name}: %A{parameter.shape}"

(**
## JSON

A network is written as JSON with a version, and reads back exactly. What is wrong with a text is told at its JSON path.
*)

let json = Network.to_json toy
printfn $"{json}"
printfn $"reads back: {Network.of_json json = Ok toy}"

match Network.of_json (json.Replace("\"modules\": 2", "\"modules\": \"two\"")) with
| Ok _ -> printfn "read"
| Error mistake -> printfn $"{mistake}"

(**
## Training one small thing

Usually an `experiment` says network, data and training, and `./modnet train SCRIPT` runs it and leaves a report; see
`notebooks/toy.fsx`. But a training method is only a loop around a graph, and here is that loop, for generalised Viterbi EM
(Algorithm 1 of the paper): a partial E-step keeps for some datapoints the best composition a* that it has seen, then come
gradient steps on log p(y | a*, x) + log p(a* | x). The data are the paper's toy regression, where one of two Gaussians is
rotated and the other scaled; nobody says which point is of which.
*)

open TorchSharp

let streams = new Runtime.RandomStreams(1L)

let problem = new Runtime.ToyRegression(dimensions = 2, separation = 4.0, spread = 0.5, generator = streams.Data)

let points, held_out = problem.Draw 1024L, problem.Draw 1024L
let learner = compile 1 toy

let method =
    new Runtime.ViterbiEm(
        learner,
        points.Data,
        Runtime.EmSettings(Samples = 10, MSteps = 30, LearningRate = 1e-2),
        streams
    )

for _ in 1..50 do
    use _scope = torch.NewDisposeScope()
    method.EStep() |> ignore

    for _ in 1..30 do
        method.MStep()

(**
Whatever passes the modular layers leaves a tape, with distributions and choices. Of data that it has not seen, the controller
has learned to tell the two components, H_a (how undecided it is about one datapoint, Eq. 15) is near 0, and exp H_b (how many
modules it uses over all, Eq. 16) near 2:
*)

let seen = Runtime.Evaluation.Of(learner, [ held_out.Data ], 128L, torch.CPU)

printfn $"H_a = {seen.Statistics.SelectionEntropy:F1} nats"
printfn $"exp H_b = {exp seen.Statistics.BatchSelectionEntropy:F1} modules"

let chosen =
    use _scope = torch.NewDisposeScope()

    learner.InEvaluation(fun () ->
        let output = learner.Forward(held_out.Data.Inputs, Runtime.ModeSelector())
        output.Tape.Composition().data<int64>().ToArray() |> Array.map int)

/// The share of a component's points that a module was chosen for.
let share part wanted =
    let mine = Array.zip held_out.Components chosen |> Array.filter (fun (origin, _) -> origin = part)

    let same = mine |> Array.filter (fun (_, choice) -> choice = wanted) |> Array.length

    round (100.0 * float same / float mine.Length)

// Which module took which component is chance; the first is the first component's.
let first = if share 0 0 > 50.0 then 0 else 1

for part in 0..1 do
    printfn $"component {part}: {share part first} %% in one module, {share part (1 - first)} %% in the other"

open ModNet.Figures
open Plotly.NET

[
    for part in 0..1 ->
        Chart.Column(
            values = [ share part first; share part (1 - first) ],
            Keys = [ "one module"; "the other" ],
            Name = $"component {part}"
        )
]
|> Panel.series
|> Panel.y "share of datapoints [%]"
|> Show.figure "which modules the components of the data use"

(**
## Properties of your own

The generators that test the language ship with it: `Networks.sound` draws networks that `check` accepts, with all that the
language has, and `Networks.broken` sound ones with one fault planted, and where. Both shrink to small ones. A property is a
question to as many networks as you like. This one asks whether putting all layers into a block, which gives them other
names, leaves all costs as they are:
*)
#load "generators.fsx"

open FsCheck
open FsCheck.FSharp
open ModNet.Generators

/// Whether a layer stands between input and head and need not stand right after the input.
let isInside (layer: Layer) =
    not (
        layer.IsTokens
        || layer.IsFeatures
        || layer.IsSequence
        || layer.IsImage
        || layer.IsTasks
        || layer.IsEmbedColumns
        || layer.IsSoftmax
        || layer.IsGaussian
        || layer.IsBernoulli
        || layer.IsCategorical
    )

let in_a_block (network: Network) =
    match List.filter isInside network.Layers with
    | [] -> network
    | inside ->
        let before = List.takeWhile (isInside >> not) network.Layers

        { network with Layers = before @ [ Layer.Block("all", inside); List.last network.Layers ] }

let total network = check network |> Result.map _.Total

let quickly = Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(1UL, 3UL).WithQuietOnSuccess true

let checks name property =
    Check.One(quickly, property)
    printfn $"{name}: holds for 200 networks"

Prop.forAll (Arb.fromGenShrink (Networks.sound, Networks.shrink)) (fun network ->
    total (in_a_block network) = total network)
|> checks "a block costs nothing"

(**
And this one, whether a planted fault is found at its place, and nothing else is:
*)

Prop.forAll (Arb.fromGenShrink (Networks.broken, Networks.shrinkBroken)) (fun planted ->
    match check planted.Network with
    | Error [ mistake ] -> mistake.Fault = planted.Fault && mistake.Place = planted.Place
    | _ -> false)
|> checks "a planted fault is found"

let example = Networks.broken |> Gen.sampleWithSeed (Rnd(1UL, 3UL)) 40 1
printfn $"such as {example[0].Fault.Id} at {example[0].Place}"

(**
From here: `notebooks/toy.fsx` and `notebooks/ptb.fsx` are whole experiments; `./modnet --help` lists what can be done with them.
*)
