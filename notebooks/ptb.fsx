// Language modelling with a modular GRU (paper, section 3.2 and appendices A, C; Table 1): embedding 32, module and hidden
// size 8, windows of 35 words, batch 128, S = 10, 15 M-steps per E-step, Adam.
//
//     ./modnet train notebooks/ptb.fsx --data DIR                 5 modules, 1 chosen, at every word
//     ./modnet train notebooks/ptb.fsx --data DIR --modules 1     the static baseline
//
// DIR holds ptb.train.txt, ptb.valid.txt and ptb.test.txt; any text file will do as well.
#load "modnet.fsx"

open ModNet

let script = Script fsi.CommandLineArgs
let m = script.Int("modules", 5, "modules in the pool (M)")
let k = script.Int("choose", 1, "modules chosen at every word (K)")
let corpus, vocabulary_size = script.Text(window = 35, otherwise = 10_000)

let words =
    pool "words" {
        modules m
        unit (linear 8 |> relu)
    }

let lm =
    network $"ptb-em-{m}-{k}" {
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

experiment {
    net lm
    data corpus

    train (
        em {
            samples 10
            m_steps 15
            batch 128
            steps 50_000
            optimizer (Adam 1e-3)
        }
    )

    seed 1
    log_every 15
    validate_every 375
}
|> script.Run
