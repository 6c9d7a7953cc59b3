(**
# Figure 6: CIFAR-10 with modular convolutions and modular fully connected layers

"We use three modular layers with 3x3 convolutional kernels, striding two, and a single output channel followed by two fully
connected modular layers with 48 hidden units and 10 output units respectively. We execute 2 out of 10 modules in each layer and
concatenate their outputs. The baseline is non-modular with the same number of parameters that 2 modules would have" (paper,
appendix D). "Using modules achieves higher training accuracy compared to the non-modularized baseline. However, in comparison to the
language modeling tasks, this does not lead to improved generalization. [...] we therefore compared to a more constrained
convolutional controller that reduces overfitting considerably" (section 3.3).

    ./modnet reproduce fig6 --data DIR                          # all of it
    ./modnet reproduce fig6 --data DIR --rows conv --seeds 1,2  # a part, merged into the table
    ./modnet reproduce fig6 --data DIR --quick                  # minutes

DIR holds CIFAR-10's binary files, or the archive cifar-10-binary.tar.gz. 5,000 training images are held out; all that the paper leaves
open was chosen on them, never on the test images.
*)
#load "modnet.fsx"

open ModNet
open ModNet.Figures

(**
The last layer is where the paper leaves a question: two modules of 10 outputs, side by side, are 20 numbers, and there are 10 classes.
The authors' library ends its own CIFAR-10 example in a plain linear map to 10 logits, which takes any width: that is `ReadOut`, and the
figure. The others keep to 10: `Summed` adds the two modules' 10 numbers, which are the logits; `Halves` puts two modules of 5 side by
side.
*)

type LastLayer =
    | ReadOut
    | Summed
    | Halves

let last_layer = ReadOut

(**
Convolutions are padded, so that an image goes from 32 × 32 to 16 × 16, 8 × 8 and 4 × 4. The modules begin as He et al. have it for ReLU:
with smaller weights all compositions give much the same likelihood for thousands of steps, and E-steps follow the controller's
whims. The baseline is the same network with two modules in each layer, both of which run for every image: it has the parameters that
two modules have, and makes no choice (its controllers are there, and idle).
*)

let network_of name m its_controller =
    let filter =
        modular {
            modules m
            unit (conv 1 3 |> stride 2 |> padding 1 |> relu)
            init He
            choose 2
            combine Concat
            controller its_controller
        }

    network name {
        image (3, 32, 32)
        filter
        filter
        filter
        flatten

        modular {
            modules m
            unit (linear 48 |> relu)
            init He
            choose 2
            combine Concat
        }

        match last_layer with
        | ReadOut ->
            modular {
                modules m
                unit (linear 10 |> relu)
                init He
                choose 2
                combine Concat
            }

            softmax 10
        | Summed ->
            modular {
                modules m
                unit (linear 10)
                init He
                choose 2
                combine Sum
            }

            categorical
        | Halves ->
            modular {
                modules m
                unit (linear 5)
                init He
                choose 2
                combine Concat
            }

            categorical
    }

(**
Eq. 8 weighs log p(a* | x), a sum over ten choices and 23 nats at first, like the classes' log-likelihood, which is 2.3. With that weight the
filters learn to tell a*, which is noise at first, rather than classes. With a hundredth of it they do not; what Adam does to the
controllers' own weights does not depend on it. These settings are the best by validation accuracy, seed 1, after 4,000 steps:

| linear controller, He | validation accuracy [%] | exp H_b |
|---|---|---|
| E-step on 512 images, Adam 1e-3, controller weight 1 | 18.4 | 3.3 |
| the same, weight 0.1 | 26.0 | 6.0 |
| the same, weight 0.01 | 27.3 | 5.3 |
| E-step on 512 images, Adam 3e-3, weight 0.01 | 27.9 | 7.3 |
| E-step on 256 images, Adam 3e-3, weight 0.01 | 24.2 | 9.6 |
| E-step on 128 images, Adam 1e-3, weight 0.01 | 22.5 | 9.9 |
| baseline, Adam 1e-3 | 43.3 | |
| baseline, Adam 3e-3 | 44.0 | |

E-steps on more images learn faster, and give up modules sooner.
*)

let images =
    cifar10 "" {
        held_out 5_000
        standardise true
    }

let looking (scale: Scale) (declared: Experiment) = {
    declared with
        LogEvery = 50
        ValidateEvery = scale.Pick(1_000, 250)
        // The training accuracy: 5,000 training images, evaluated as test images are.
        Tracing = { declared.Tracing with Every = Some(scale.Pick(1_000, 250)); Rows = 5_000 }
}

let step_count (scale: Scale) = scale.Pick(20_000, 1_000)

let modular_run name its_controller (scale: Scale) =
    experiment {
        net (network_of name 10 its_controller)
        data images

        train (
            em {
                samples 10
                m_steps 15
                batch 128
                e_batch 512
                steps (step_count scale)
                optimizer (Adam 3e-3)
                controller_weight 0.01
            }
        )
    }
    |> looking scale

let training, test, gap, with_held =
    "training accuracy [%]", "test accuracy [%]", "training less test [%]", "training accuracy under a* [%]"

let modular_row id caption its_controller =
    row id {
        label caption
        paper_says training "above the baseline's"
        paper_says test "no better than the baseline's"
        run (modular_run $"fig6-{id}" its_controller)
    }

let linear_row = modular_row "linear" "modules, linear controller" Linear

let conv_row = {
    modular_row "conv" "modules, convolutional controller" (Conv(4, 3)) with
        Paper = [
            Some training, PaperValue.Words "above the baseline's"
            Some gap, PaperValue.Words "considerably less than with the linear controller"
        ]
}

let baseline_row =
    row "baseline" {
        label "baseline: two modules, no choice"

        run (fun scale ->
            experiment {
                net (network_of "fig6-baseline" 2 Linear)
                data images

                train (
                    static_modules {
                        batch 128
                        steps (step_count scale)
                        optimizer (Adam 3e-3)
                    }
                )
            }
            |> looking scale)
    }

(**
Test and training accuracy are of evaluation: the most probable modules run. The training accuracy is that of 5,000 training images, evenly
spaced over the training set and always the same. The paper does not say how it took its own; it may be that of M-steps, in which a* is held,
so that is here as well: the mean of the logged minibatches, 20 by 20. An E-step sees the class of an image, so a* tells of it.

How much a* tells is seen where E-steps, too, weigh log p(a | x) with a tenth or a hundredth (512 images, Adam 3e-3, 4,000 steps, seed 1, the
same weight in the loss): minibatches under a* come to 92 % and 94 %, all modules are in use, and validation is at 22.4 % and 19.7 %: which
modules ran gives the class away, and no controller can tell that from the image. So Eq. 11 stands as it is.
*)

let percent (share: float) = 100.0 * share

/// Training accuracy by step.
let fitted (run: StudyRun) =
    let right (trace: Runtime.RoutingTrace) =
        Seq.init trace.Count (fun n -> trace.PredictedClasses[n] = trace.TargetClasses[n, 0])
        |> Seq.averageBy (fun right -> if right then 1.0 else 0.0)

    if run.Steps = 0L then
        []
    else
        [ for trace in Trace.load_over_time run.Folder -> float trace.Step, percent (right trace) ]

/// Of M-steps' minibatches, a* held, by step.
let held (run: StudyRun) =
    let steps, shares = run.Column("train", "accuracy")

    Array.zip steps shares
    |> Array.chunkBySize 20
    |> Array.map (fun points -> fst (Array.last points), percent (Array.averageBy snd points))
    |> List.ofArray

let tested (run: StudyRun) = [
    for line in run.Metrics do
        if line.Phase = "test" then float line.Step, percent line.Values["accuracy"]
]

let last points = points |> List.tryLast |> Option.map snd

let curves heading (points: StudyRun -> (float * float) list) (runs: StudyRun list) =
    runs
    |> List.map (fun run ->
        let xs, ys = points run |> List.unzip
        Draw.Line(run.Name, Array.ofList xs, Array.ofList ys))
    |> Panel.over "step"
    |> Panel.y heading

let entropies field heading (runs: StudyRun list) =
    runs
    |> List.filter (fun run -> run.Row <> baseline_row.Id)
    |> List.map (fun run -> run.Name, run.Metrics)
    |> Curves.compare field heading "test"

study "fig6" {
    title "Figure 6: CIFAR-10"
    data_folder "cifar10"
    rows [ linear_row; conv_row; baseline_row ]
    measure test (fun run -> run.Test.Accuracy |> Option.map percent)
    measure training (fitted >> last)
    measure with_held (fun run -> if run.Row = baseline_row.Id then None else last (held run))

    measure gap (fun run -> Option.map2 (-) (last (fitted run)) (last (tested run)))
    measure "H_a [nats]" (fun run -> run.Test.SelectionEntropy)
    measure "H_b [nats]" (fun run -> run.Test.BatchSelectionEntropy)

    report (fun runs -> [
        let begun = runs |> List.filter (fun run -> run.Steps > 0L)

        if not begun.IsEmpty then
            Section.figure
                "Test and training accuracy"
                "As the paper's Figure 6: test images left, training images right, both evaluated with the most probable modules; below, minibatches of M-steps under a*."
                (Figure.grid 2 [
                    curves test tested begun
                    curves training fitted begun
                    begun |> List.filter (fun run -> run.Row <> baseline_row.Id) |> curves with_held held
                ])

            Section.figure
                "Module selection on the test images"
                "H_a (Eq. 15) and H_b (Eq. 16), both averaged over a layer's two positions and over the five layers; log 10 = 2.30."
                (Figure.beside [
                    entropies "selection_entropy" "H_a [nats]" begun
                    entropies "batch_selection_entropy" "H_b [nats]" begun
                ])
    ])
}
|> Study.main fsi.CommandLineArgs
