/// What a stream's settings change of modules and parameters from task to task.
module ModNet.Tests.StreamSettingTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open ModNet.Tests.StreamCases

[<Tests>]
let tests =
    testSequenced
    <| testList "settings of streams" [
        testInDirectory "a frozen module and what was not in use are after a task as they were before it"
        <| fun directory ->
            let source = stream { tasks sides }
            let experiment = { run directory "run" headed source byEm with Frozen = [ "modular1/pool/1" ] }
            let folder = trained { experiment with KeepCheckpoints = 50 }

            let read path =
                scoped (fun () -> Safetensors.Read path |> Seq.map (fun each -> each.Key, numbers each.Value) |> Map)

            let first = read (Path.Combine(folder, "checkpoints", "23.safetensors"))
            let last = read (Path.Combine(folder, "checkpoint.safetensors"))
            let weights = "pools.modular1/pool.weight"
            let each = first[weights].Length / 4
            let ofModule number (values: float array) = values[number * each .. (number + 1) * each - 1]
            Expect.equal (ofModule 1 last[weights]) (ofModule 1 first[weights]) "frozen"
            Expect.notEqual (ofModule 0 last[weights]) (ofModule 0 first[weights]) "not frozen"

        testInDirectory "only the present task's head is trained, where modules that are not in use rest"
        <| fun directory ->
            let resting = byEm.WithGradient { byEm.Gradient with Unselected = Rest }

            let folder =
                trained { run directory "run" headed (stream { tasks sides }) resting with KeepCheckpoints = 50 }

            let head name =
                scoped (fun () ->
                    numbers (Safetensors.Read(Path.Combine(folder, name))["pools.modular2/pool.weight"])
                    |> Array.chunkBySize 16)

            let first, second, last =
                head "checkpoints/23.safetensors", head "checkpoints/46.safetensors", head "checkpoint.safetensors"

            Expect.equal (first[0], first[2]) (second[0], second[2]) "in the second task"
            Expect.notEqual first[1] second[1] "its own head"
            Expect.equal (second[0], second[1]) (last[0], last[1]) "in the third task"

        testInDirectory "a plasticity scales the steps of modules by how much earlier tasks use them"
        <| fun directory ->
            let oneByOne = { byEm.Gradient with Optimizer = Sgd(0.1, 0.0); Unselected = Drift }
            let one = byEm.WithGradient oneByOne

            // The second task has a single step, in which nothing but the plasticity differs.
            let after name (factor: float option) =
                let source =
                    match
                        stream {
                            tasks (List.take 2 sides)
                            steps_of "right" 1
                        }
                    with
                    | Data.Stream source -> Data.Stream { source with Plasticity = factor }
                    | other -> other

                let folder = trained { run directory name plain source one with KeepCheckpoints = 9 }

                let read file =
                    scoped (fun () ->
                        let tensors = Safetensors.Read(Path.Combine(folder, file))
                        numbers tensors["pools.modular1/pool.weight"], integers tensors["em.assignments"])

                let weights, held = read "checkpoints/23.safetensors"
                let now, _ = read "checkpoint.safetensors"
                weights, now, Array.truncate 60 held

            let before, whole, held = after "whole" None
            let _, same, _ = after "one" (Some 1.0)
            Expect.equal same whole "1 is without"
            let _, slowed, _ = after "slowed" (Some 0.25)
            let counts = [| for number in 0..3 -> held |> Array.filter ((=) number) |> Array.length |> float |]
            let each = before.Length / 4

            for place in 0 .. before.Length - 1 do
                let kept = 1.0 - 0.75 * counts[place / each] / Array.max counts
                let expected = before[place] + kept * (whole[place] - before[place])
                Expect.isLessThan (abs (slowed[place] - expected)) 1e-6 $"weight {place}"

            let _, stopped, _ = after "stopped" (Some 0.0)
            let most = Array.findIndex ((=) (Array.max counts)) counts
            let ofModule (values: float array) = values[most * each .. (most + 1) * each - 1]
            Expect.equal (ofModule stopped) (ofModule before) "0 keeps the most used one as it is"
            Expect.notEqual (ofModule whole) (ofModule before) "which moves without"

        testInDirectory "a consolidation of weight 0 is none, bit for bit, and one of great weight keeps parameters"
        <| fun directory ->
            let learned name (weight: float option) =
                let source =
                    match stream { tasks sides } with
                    | Data.Stream source -> Data.Stream { source with Consolidation = weight; Fisher = None }
                    | other -> other

                let folder = trained { run directory name plain source byEm with KeepCheckpoints = 9 }
                folder, Learned.tensorsOf folder

            let without, plainly = learned "without" None
            let _, zero = learned "zero" (Some 0.0)
            Expect.equal zero plainly "0 is none"
            let heavy, _ = learned "heavy" (Some 1e4)

            let moved folder =
                let read file = scoped (fun () -> numbers (Safetensors.Read(Path.Combine(folder, file))["head.weight"]))

                Array.map2
                    (fun after before -> abs (after - before))
                    (read "checkpoint.safetensors")
                    (read "checkpoints/23.safetensors")
                |> Array.average

            Expect.isLessThan (moved heavy) (0.3 * moved without) "the head stays nearer"

        testInDirectory "a pool grows where a later task's loss asks for it, and its run is opened as it ended"
        <| fun directory ->
            let grown name above' =
                let source =
                    stream {
                        tasks sides

                        grow (
                            growth "modular1/pool" {
                                start 1
                                add 2
                                every 10
                                above above'
                            }
                        )
                    }

                trained { run directory name plain source byEm with KeepCheckpoints = 9 }

            let read folder step =
                scoped (fun () ->
                    let tensors = Safetensors.Read(Path.Combine(folder, "checkpoints", $"{step}.safetensors"))
                    integers tensors["modular1.controller.closed"], integers tensors["em.assignments"])

            let open' = grown "open" 0.0
            let closed, held = read open' 23
            Expect.equal closed [| 0; 1; 1; 1 |] "the first task asks for nothing"
            Expect.allEqual held 0 "a* has nothing else"

            let newest =
                scoped (fun () ->
                    let tensors = Safetensors.Read(Path.Combine(open', "checkpoint.safetensors"))
                    integers tensors["modular1.controller.closed"], integers tensors["em.assignments"])

            Expect.equal (fst newest) [| 0; 0; 0; 0 |] "after twice two"
            Expect.isTrue (Array.exists ((=) 3) (snd newest)) "a* has the new ones"
            let shut = grown "shut" 1e6

            let never =
                scoped (fun () ->
                    let tensors = Safetensors.Read(Path.Combine(shut, "checkpoint.safetensors"))
                    integers tensors["modular1.controller.closed"], numbers tensors["pools.modular1/pool.weight"])

            Expect.equal (fst never) [| 0; 1; 1; 1 |] "no loss is above it"

            let first =
                scoped (fun () ->
                    let tensors = Safetensors.Read(Path.Combine(shut, "checkpoints", "23.safetensors"))
                    numbers tensors["pools.modular1/pool.weight"])

            let each = first.Length / 4
            Expect.equal (Array.skip each (snd never)) (Array.skip each first) "modules that wait stay as they are"

            let code = Experiment.with_code_of (run directory "code" plain (stream { tasks sides }) byEm)

            for folder in [ open'; shut ] do
                let summary = summaryOf folder
                let rows = summary["tasks"].["test"].["matrix"].AsArray()
                let last = [ for value in rows[2].AsArray() -> value.GetValue<float>() ]

                Trained.within_as code folder (fun opened ->
                    let again = [
                        for task in opened.Source.Splits.Tasks ->
                            scoped (fun () ->
                                Evaluation
                                    .Of(opened.Graph, task.Test, 128L, opened.Device, opened.Evaluating)
                                    .Score.Accuracy.Value)
                    ]

                    Expect.equal again last "evaluated again")
    ]
