(**
# The language models of Table 1

The twelve rows of the paper's Table 1 (section 3.2, appendices A and C), for `table1.fsx` and for the figures that are drawn of the
same runs: a word's embedding of 32 numbers, a modular GRU with hidden and module size 8, a softmax over Penn Treebank's 10,000 words.
*)
#load "modnet.fsx"

open System.IO
open ModNet
open ModNet.Figures
open TorchSharp

(**
What the paper says: windows of 35 words, batches of 128, S = 10, 15 M-steps to an E-step, k = 4 for noisy top-k, 50,000 steps.
What it leaves open is here and nowhere else, the same for all methods, decided by the validation perplexity of the static baseline
(M = 1) and of EM with 5 modules, seed 1:

| | static | EM 5/1 |
|---|---|---|
| Adam 1e-3, every window from zero, 3,000 steps | 290.2 | 309.2 |
| Adam 1e-3, state carried, 3,000 steps | 306.0 | 350.8 |
| Adam 3e-3, every window from zero, 3,000 steps | 252.9 | 262.8 |
| Adam 1e-2, every window from zero, 3,000 steps | 245.7 | 267.9 (261.0 after 2,000) |
| Adam 3e-3, every window from zero, 5,000 and 8,000 steps | 249.7, 254.7 | |
| Adam 1e-3, every window from zero, 5,000 and 8,000 steps | 266.1, 256.5 | |

So state is not carried: windows in the text's order are learned more slowly than shuffled ones. Faster rates only overfit sooner: 3e-3 is past its
best after 5,000 steps and 1e-3 still falls after 8,000, of the 50,000 that are to come. GRU biases are those of a linear layer, U(±1/√in).
*)

/// An optimiser and what becomes of its rate.
type Steps = { By: Optimizer; Rate: Schedule }

/// What the paper's rows have.
let plain = { By = Adam 1e-3; Rate = Constant }

/// What rows of our own have: see below why.
let decayed = { By = AdamW(1e-3, 0.1); Rate = Cosine }

/// Whether a window starts where the one before it ended, or at zero.
let carried = false

/// 50,000 steps count M-steps; E-steps come on top.
let length (scale: Scale) = scale.Pick(50_000, 500)

(** ## The model *)

let vocabulary_size = 10_000

/// M modules, K chosen at every word.
let gru id m k =
    let words =
        pool "words" {
            modules m
            unit (linear 8 |> relu)
        }

    network $"ptb-{id}" {
        tokens vocabulary_size
        embed 32

        modular_gru {
            hidden 8
            from words
            choose k
            combine Sum
            controller Linear
        }

        softmax vocabulary_size
    }

(** ## Its training *)

let by_em how scale =
    em {
        samples 10
        m_steps 15
        batch 128
        steps (length scale)
        optimizer how.By
        schedule how.Rate
    }

let by_reinforce how scale =
    reinforce {
        batch 128
        steps (length scale)
        optimizer how.By
        schedule how.Rate
    }

let by_noisy_topk how scale =
    noisy_topk {
        k 4
        batch 128
        steps (length scale)
        optimizer how.By
        schedule how.Rate
    }

let without_choice how scale =
    static_modules {
        batch 128
        steps (length scale)
        optimizer how.By
        schedule how.Rate
    }

let training (scale: Scale) model method =
    experiment {
        net model

        data (
            text "" {
                window 35
                carry_state carried
            }
        )

        train method
        log_every (scale.Pick(50, 10))
        validate_every (scale.Pick(1_000, 250))
        checkpoint_every (scale.Pick(1_000, 250))
    }

(** ## The rows, with the paper's test perplexities *)

let line id caption published seed_list method m k =
    row id {
        label caption
        paper published
        seeds seed_list
        run (fun scale -> training scale (gru id m k) (method scale))
    }

let em_15_1 = line "em-15-1" "EM, M = 15, K = 1" 229.651 [ 1; 2; 3 ] (by_em plain) 15 1

/// Figure 5 is drawn of this one's routing traces over training.
let em_5_1 =
    let declared = line "em-5-1" "EM, M = 5, K = 1" 236.809 [ 1; 2; 3 ] (by_em plain) 5 1

    let traced (scale: Scale) =
        let plain: Experiment = declared.Experiment scale

        { plain with Tracing = { plain.Tracing with Every = Some(scale.Pick(1_000, 50)) } }

    { declared with Experiment = traced }

let em_15_3 = line "em-15-3" "EM, M = 15, K = 3" 246.493 [ 1 ] (by_em plain) 15 3
let em_5_3 = line "em-5-3" "EM, M = 5, K = 3" 236.314 [ 1 ] (by_em plain) 5 3

let reinforce_15_1 =
    line "reinforce-15-1" "REINFORCE, M = 15, K = 1" 240.760 [ 1; 2; 3 ] (by_reinforce plain) 15 1

let reinforce_5_1 = line "reinforce-5-1" "REINFORCE, M = 5, K = 1" 240.450 [ 1; 2; 3 ] (by_reinforce plain) 5 1

let reinforce_15_3 = line "reinforce-15-3" "REINFORCE, M = 15, K = 3" 274.060 [ 1 ] (by_reinforce plain) 15 3

let reinforce_5_3 = line "reinforce-5-3" "REINFORCE, M = 5, K = 3" 267.585 [ 1 ] (by_reinforce plain) 5 3

let topk_15 = line "topk-15" "noisy top-k (k = 4), M = 15" 422.636 [ 1 ] (by_noisy_topk plain) 15 1

let topk_5 = line "topk-5" "noisy top-k (k = 4), M = 5" 338.275 [ 1 ] (by_noisy_topk plain) 5 1

let static_1 = line "static-1" "baseline, 1 module" 247.408 [ 1; 2; 3 ] (without_choice plain) 1 1

let static_3 = line "static-3" "baseline, 3 modules" 241.294 [ 1 ] (without_choice plain) 3 3

(**
## Rows of our own

The same models, the same 50,000 steps and E-steps. Words that the training text has once are where they overfit: with plain Adam some come to
cost 280 nats in the validation text, which has 257 of them, and the test text 19. Weight decay holds them: EM with M = 15 and AdamW with decay 0.1, seed 1, is at a validation
perplexity of 251.3 after 16,000 steps and falling, where plain Adam is past its best, 257. The rate goes down by a cosine.

Why they overfit so: a word that hardly ever comes has gradients that all point the same way, and Adam makes steps of one length of them,
however small they are. Decay ends that where a weight is 1 / decay: at 0.1 that is 10, of eight weights and a bias. A decay of 0.3 is too
much for all the other words: validation perplexity 279.2 after 12,000 steps, where 0.1 has 254.5.
*)

let own id caption method m k =
    row id {
        label $"{caption}, AdamW, cosine"
        seeds [ 1; 2; 3 ]
        run (fun scale -> training scale (gru id m k) (method decayed scale))
    }

let own_em_15_1 = own "own-15-1" "ours: EM, M = 15, K = 1" by_em 15 1
let own_reinforce_15_1 = own "reinforce-15-1-decay" "REINFORCE, M = 15, K = 1" by_reinforce 15 1
let own_reinforce_15_3 = own "reinforce-15-3-decay" "REINFORCE, M = 15, K = 3" by_reinforce 15 3
let own_topk_15 = own "topk-15-decay" "noisy top-k (k = 4), M = 15" by_noisy_topk 15 1
let own_static_1 = own "static-1-decay" "baseline, 1 module" without_choice 1 1
let own_static_3 = own "static-3-decay" "baseline, 3 modules" without_choice 3 3

let table1_rows = [
    em_15_1
    em_5_1
    em_15_3
    em_5_3
    reinforce_15_1
    reinforce_5_1
    reinforce_15_3
    reinforce_5_3
    topk_15
    topk_5
    static_1
    static_3
    own_em_15_1
    own_reinforce_15_1
]

(** ## Measures of a run *)

(** Models overfit well before 50,000 steps, so beside the paper's number, the last step's, stands that of the step validation picks. *)

let held_out (run: StudyRun) phase =
    run.Metrics
    |> List.filter (fun line -> line.Phase = phase && line.Step > 0L)
    |> List.map (fun line -> line.Step, line.Values["perplexity"])

let at_best_validation (run: StudyRun) =
    match held_out run "validation" with
    | [] -> None
    | lines ->
        let best = lines |> List.minBy snd |> fst

        held_out run "test" |> List.tryFind (fun (step, _) -> step = best) |> Option.map snd

(**
What happens past the best step is mostly the doing of few words. The training text has 30 words once; the validation text has 257 such words, the test
text 19. A model that has learned where each of them stands gives it next to nothing anywhere else, dozens of nats each. So here is the
perplexity of the other words, too.
*)

let seen_again_of (run: StudyRun) =
    Trained.within run.Folder (fun trained ->
        let splits = trained.Source.Splits

        let words (data: Runtime.Dataset) = Runtime.TensorArrays.Vector<int64> data.Targets

        let times = words splits.Train |> Array.countBy id |> dict

        let seen_again word =
            match times.TryGetValue word with
            | true, count -> count > 1
            | _ -> false

        let perplexity (parts: Runtime.Dataset seq) =
            let mutable total, count = 0.0, 0

            for part in parts do
                for start in 0L .. 128L .. part.Count - 1L do
                    use _scope = torch.NewDisposeScope()
                    let batch = part.Range(start, min 128L (part.Count - start))

                    let each =
                        trained.Graph.InEvaluation(fun () ->
                            let features = trained.Graph.Forward(batch.Inputs, trained.Evaluating).Features
                            trained.Graph.Head.LogLikelihood(features.flatten (0, 1), batch.Targets.flatten ()))

                    let targets = Runtime.TensorArrays.Vector<int64> batch.Targets

                    for word, log_p in Array.zip targets (Runtime.TensorArrays.Vector<float32> each) do
                        if seen_again word then
                            total <- total + float log_p
                            count <- count + 1

            exp (-total / float count)

        {| Test = perplexity splits.Test; Validation = perplexity splits.Validation |})

(** A finished run stays as it is, and the table is made again after each: every one is opened once. *)

let seen_again =
    let found = remembered seen_again_of

    fun (run: StudyRun) ->
        if run.Finished && File.Exists(Path.Combine(run.Folder, "checkpoint.safetensors")) then
            Some(found run)
        else
            None

(** ## A figure *)

let curves (runs: StudyRun list) phase =
    runs
    |> List.map (fun run -> run.Name, run.Metrics |> List.filter (fun line -> line.Step > 0L))
    |> Curves.compare "perplexity" $"{phase} perplexity (log axis)" phase
    |> Panel.logY
    |> Panel.yRange 200.0 500.0
