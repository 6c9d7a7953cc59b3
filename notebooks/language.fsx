(**
# The language models of Table 1

The twelve rows of the paper's Table 1 (section 3.2, appendices A and C), for `table1.fsx` and for the figures that are drawn of the
same runs: a word's embedding of 32 numbers, a modular GRU with hidden and module size 8, a softmax over Penn Treebank's 10,000 words.
*)
#load "modnet.fsx"

open ModNet

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

/// Adam's rate.
let rate = Adam 1e-3

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

let by_em scale =
    em {
        samples 10
        m_steps 15
        batch 128
        steps (length scale)
        optimizer rate
    }

let by_reinforce scale =
    reinforce {
        batch 128
        steps (length scale)
        optimizer rate
    }

let by_noisy_topk scale =
    noisy_topk {
        k 4
        batch 128
        steps (length scale)
        optimizer rate
    }

let without_choice scale =
    static_modules {
        batch 128
        steps (length scale)
        optimizer rate
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

let em_15_1 = line "em-15-1" "EM, M = 15, K = 1" 229.651 [ 1; 2; 3 ] by_em 15 1

/// Figure 5 is drawn of this one's routing traces over training.
let em_5_1 =
    let declared = line "em-5-1" "EM, M = 5, K = 1" 236.809 [ 1 ] by_em 5 1

    let traced (scale: Scale) =
        let plain: Experiment = declared.Experiment scale

        { plain with Tracing = { plain.Tracing with Every = Some(scale.Pick(1_000, 50)) } }

    { declared with Experiment = traced }

let em_15_3 = line "em-15-3" "EM, M = 15, K = 3" 246.493 [ 1 ] by_em 15 3
let em_5_3 = line "em-5-3" "EM, M = 5, K = 3" 236.314 [ 1 ] by_em 5 3

let reinforce_15_1 = line "reinforce-15-1" "REINFORCE, M = 15, K = 1" 240.760 [ 1 ] by_reinforce 15 1

let reinforce_5_1 = line "reinforce-5-1" "REINFORCE, M = 5, K = 1" 240.450 [ 1 ] by_reinforce 5 1

let reinforce_15_3 = line "reinforce-15-3" "REINFORCE, M = 15, K = 3" 274.060 [ 1 ] by_reinforce 15 3

let reinforce_5_3 = line "reinforce-5-3" "REINFORCE, M = 5, K = 3" 267.585 [ 1 ] by_reinforce 5 3

let topk_15 = line "topk-15" "noisy top-k (k = 4), M = 15" 422.636 [ 1 ] by_noisy_topk 15 1

let topk_5 = line "topk-5" "noisy top-k (k = 4), M = 5" 338.275 [ 1 ] by_noisy_topk 5 1

let static_1 = line "static-1" "baseline, 1 module" 247.408 [ 1 ] without_choice 1 1

let static_3 = line "static-3" "baseline, 3 modules" 241.294 [ 1 ] without_choice 3 3

(**
## A row of our own

The same model, the same 50,000 steps and E-steps. Words that the training text has once are where it overfits: with plain Adam some come to
cost 280 nats in the validation text, which has 257 of them, and the test text 19. Weight decay holds them: AdamW with decay 0.1, seed 1, is at a validation
perplexity of 251.3 after 16,000 steps and falling, where plain Adam is past its best, 257. Its rate goes down by a cosine.

Why they overfit so: a word that hardly ever comes has gradients that all point the same way, and Adam makes steps of one length of them,
however small they are. Decay ends that where a weight is 1 / decay: at 0.1 that is 10, of eight weights and a bias. A decay of 0.3 is too
much for all the other words: validation perplexity 279.2 after 12,000 steps, where 0.1 has 254.5.
*)

let own_15_1 =
    row "own-15-1" {
        label "ours: EM, M = 15, K = 1, AdamW, cosine"

        run (fun scale ->
            training
                scale
                (gru "own-15-1" 15 1)
                (em {
                    samples 10
                    m_steps 15
                    batch 128
                    steps (length scale)
                    optimizer (AdamW(1e-3, 0.1))
                    schedule Cosine
                }))
    }

(** REINFORCE with the same: if it is its noise that keeps it from overfitting, decay does less for it than for EM. *)

let reinforce_15_1_decay =
    row "reinforce-15-1-decay" {
        label "REINFORCE, M = 15, K = 1, AdamW, cosine"

        run (fun scale ->
            training
                scale
                (gru "reinforce-15-1-decay" 15 1)
                (reinforce {
                    batch 128
                    steps (length scale)
                    optimizer (AdamW(1e-3, 0.1))
                    schedule Cosine
                }))
    }

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
    own_15_1
    reinforce_15_1_decay
]
