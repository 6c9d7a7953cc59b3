(**
# What a step costs with more tasks

Routing networks (Rosenbaum, Klinger, Riemer 2018) are said to cost nearly the same per task however many tasks there are. Here is the time of a round of EM, an E-step and ten M-steps, of the network of `routing-networks.fsx` with 2, 10, 50 and 250 tasks. Blocks and minibatches stay as they are;
controllers read as many more task ids, and there are as many more heads. The networks take their rounds in turn, so that whatever else the machine does meets all of them alike.

    dotnet fsi notebooks/routing-time.fsx
*)
#load "modnet.fsx"

open System
open System.Diagnostics
open ModNet.Runtime
open TorchSharp

torch.set_num_threads 1

let counts = [ 2; 10; 50; 250 ]
let width, blocks, points = 48, 10, 20_000

/// The network for so many tasks with its data, which are random, under EM.
let network (tasks: int) =
    let streams = new RandomStreams 1L
    let init = Initialiser streams.Init

    let layer number inputs =
        let name = $"modular{number}"
        let pool = new LinearPool(name, blocks, inputs, width, Activation.Relu, true, init)

        new ModularLayer(name, new TaskController(inputs, tasks, 1, blocks, init), pool, Combine.Sum, Dispatch.Auto)
        :> Node

    let heads = new LinearPool("heads", tasks, width, 2, Activation.Identity, true, init)

    let graph =
        new Graph(
            [|
                layer 1 784
                layer 2 width
                layer 3 width
                new ModularLayer("heads", new ByTaskController(tasks), heads, Combine.Sum, Dispatch.Auto)
            |],
            new CategoricalHead 2
        )

    let random = new torch.Generator 1UL
    let x = torch.rand ([| int64 points; 784L |], generator = random)
    let whole limit = torch.randint (int64 limit, [| int64 points |], torch.ScalarType.Int64, generator = random)
    let data = new Dataset(x, whole 2, SideInputs(whole tasks, null))
    new ViterbiEm(graph, data, EmSettings(5, 10, 128L, 512L, 1e-3), streams)

let networks = [| for tasks in counts -> network tasks |]

let round (em: ViterbiEm) =
    let clock = Stopwatch.StartNew()
    em.EStep() |> ignore

    for _ in 1..10 do
        em.MStep()

    clock.Elapsed.TotalMilliseconds

for em in networks do
    for _ in 1..20 do
        round em |> ignore

let order = Random 1
let times = [| for _ in networks -> ResizeArray<float>() |]

for _ in 1..200 do
    let turn = [| 0 .. networks.Length - 1 |]
    order.Shuffle turn

    for place in turn do
        times[place].Add(round networks[place])

let median (values: float seq) =
    let sorted = Seq.sort values |> Seq.toArray
    sorted[sorted.Length / 2]

let least = median times[0]

for tasks, times in Seq.zip counts times do
    printfn
        $"%4d{tasks} tasks: %.2f{median times} ms a round, %.2f{median times / least} times that of {counts.Head} tasks"
