(**
# A generative adversarial network in two stages

Zhang et al. (2017, StackGAN, arXiv 1612.03242) split the drawing of an image: a first generator draws a coarse one from noise and a condition, and a second one, trained after it, draws the fine image from the coarse one and the
condition again.

    ./modnet reproduce staged-gan --data DIR
    ./modnet reproduce staged-gan --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. The condition is the digit's class. `coarse` draws 7 × 7 pixels, which a critic holds against digits that `shrink`, a player without parameters, has made as small; then
`coarse` is frozen and `fine` draws 28 × 28 pixels, with a critic of its own. The baseline draws 28 × 28 pixels in one stage, by a generator of as many parameters, in as many steps and so with more computation spent on large images. How good samples are is judged by a
classifier that is trained separately on real digits: the share of samples that it takes for the digit that was asked for. Criterion: two stages reach at least what one stage reaches, mean over three seeds.
*)
#load "modnet.fsx"

open System.IO
open ModNet
open ModNet.Figures
open TorchSharp

let noise, classes = 16, 10

/// A generator from so many numbers to so many pixels in [0, 1].
let draws name inputs width pixels =
    network name {
        features inputs
        linear width |> relu
        batch_norm
        linear width |> relu
        batch_norm
        linear pixels |> sigmoid
        gaussian (variance 1.0)
    }

let judges name pixels =
    network name {
        features (pixels + classes)
        linear 256 |> leaky_relu 0.2
        dropout 0.3
        linear 128 |> leaky_relu 0.2
        linear 1
        bernoulli
    }

let shrink =
    network "shrink" {
        image (1, 28, 28)
        avg_pool 4
        flatten
        gaussian (variance 1.0)
    }

let digits (scale: Scale) = mnist "" { held_out (scale.Pick(5_000, 100)) }

let staged (scale: Scale) =
    let each = scale.Pick(2_000, 10)

    game "staged" {
        player "coarse" (draws "coarse" (noise + classes) 128 49)
        player "fine" (draws "fine" (noise + classes + 49) 256 784)
        player "coarse critic" (judges "coarse critic" 49)
        player "fine critic" (judges "fine critic" 784)
        player "shrink" shrink
        reads "coarse" [ Wire.Latent; Wire.Label ]
        reads "fine" [ Wire.Latent; Wire.Label; Wire.Detached "coarse" ]
        reads "coarse critic" [ Wire.Judged; Wire.Label ]
        reads "fine critic" [ Wire.Judged; Wire.Label ]
        reads "shrink" [ Wire.Real ]
        turn "coarse critic" (discriminate_between (Wire.Detached "shrink") (Wire.Detached "coarse"))
        turn "coarse" (deceive "coarse critic")
        turn "fine critic" (discriminate "fine")
        turn "fine" (deceive "fine critic")
        stage each [ "coarse"; "coarse critic" ]
        stage each [ "fine"; "fine critic" ]
        latent noise
        samples (scale.Pick(1_000, 20))
        data (digits scale)
        batch 64
        steps (2 * each)
        optimizer (Adam 5e-4)
        log_every 50
        validate_every (2 * each)
    }

/// As many parameters as `coarse` and `fine` have together: 388,000.
let one_stage (scale: Scale) =
    let length = scale.Pick(4_000, 20)

    game "one-stage" {
        player "fine" (draws "fine" (noise + classes) 336 784)
        player "fine critic" (judges "fine critic" 784)
        reads "fine" [ Wire.Latent; Wire.Label ]
        reads "fine critic" [ Wire.Judged; Wire.Label ]
        turn "fine critic" (discriminate "fine")
        turn "fine" (deceive "fine critic")
        latent noise
        samples (scale.Pick(1_000, 20))
        data (digits scale)
        batch 64
        steps length
        optimizer (Adam 5e-4)
        log_every 50
        validate_every length
    }

let judge (scale: Scale) =
    experiment {
        net (
            network "judge" {
                image (1, 28, 28)
                conv 16 5 |> relu
                max_pool 2
                conv 32 5 |> relu
                max_pool 2
                flatten
                softmax 10
            }
        )

        data (digits scale)

        train (
            static_modules {
                batch 64
                steps (scale.Pick(1_500, 20))
            }
        )

        log_every 50
        validate_every (scale.Pick(500, 20))
    }

let judging =
    row "judge" {
        label "the classifier that judges"
        run judge
    }

let two =
    row "staged" {
        label "two stages"
        seeds [ 1; 2; 3 ]
        run staged
    }

let one =
    row "one-stage" {
        label "one stage"
        seeds [ 1; 2; 3 ]
        run one_stage
    }

(** ## What came out *)

/// The share of samples that the classifier takes for the digit that was asked for, in hundredths; None before there is a classifier.
let right =
    remembered (fun run ->
        let judge = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName run.Folder), "judge", "seed-1")

        if run.Row = "judge" then
            run.Test.Accuracy |> Option.map ((*) 100.0)
        elif not (File.Exists(Path.Combine(judge, "summary.json"))) then
            None
        else
            use _scope = torch.NewDisposeScope()
            let drawn = (GameSamples.read run.Folder "fine").Head
            use trained = Trained.load judge
            // The classifier reads pixels as files have them, from 0 to 255.
            let pixels = torch.tensor(Array.concat drawn.Values).view(-1L, 1L, 28L, 28L).mul(255.0.ToScalar()).round()
            let said = trained.Predict(pixels.to_type torch.uint8).data<int64>().ToArray()
            let hits = Array.zip said drawn.Classes.Value |> Array.filter (fun (said, asked) -> int said = asked)
            Some(100.0 * float hits.Length / float said.Length))

let of_row (row: StudyRow) (runs: StudyRun list) =
    runs |> List.filter (fun run -> run.Row = row.Id && run.Finished) |> List.sortBy _.Seed

let said (values: float list) = values |> List.map (fun value -> value.ToString "0.0") |> String.concat ", "

let criterion (runs: StudyRun list) =
    let staged, plain = of_row two runs |> List.choose right, of_row one runs |> List.choose right

    Criteria.row
        "samples that are taken for the digit asked for: two stages at least as many as one, mean over seeds [%]"
        $"two stages {said staged}; one stage {said plain}"
        (not staged.IsEmpty && staged.Length = plain.Length && List.average staged >= List.average plain)

let images (run: StudyRun) = [
    for player in (if run.Row = "staged" then [ "coarse"; "fine" ] else [ "fine" ]) do
        let drawn = (GameSamples.read run.Folder player).Head
        let side = if player = "coarse" then 7 else 28

        Section.figure
            $"Samples of {player}, {run.Name}"
            "Columns are the digits that were asked for, from 0."
            (GameFigure.images "" 10 (1, side, side) (Array.truncate 100 drawn.Values))
]

let sections (runs: StudyRun list) = [
    if not (of_row two runs).IsEmpty && not (of_row one runs).IsEmpty then
        Criteria.section "Criterion" [ criterion runs ]

    for row in [ two; one ] do
        for run in of_row row runs |> List.truncate 1 do
            yield! images run
]

study "staged-gan" {
    title "Digits drawn in two stages"
    data_folder "mnist"
    rows [ judging; two; one ]
    measure "samples taken for the digit asked for [%]" right
    report sections
}
|> Study.main fsi.CommandLineArgs
