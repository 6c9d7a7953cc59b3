// Handwritten digits by a network of convolutions and modular layers: 2 of 6 convolutions, from one pool at two depths, then 2 of
// 4 linear modules side by side.
//
//     ./modnet train notebooks/mnist.fsx --data DIR
//     ./modnet check notebooks/mnist.fsx --draw mnist.svg
//
// DIR holds MNIST's four idx files as they are downloaded, gzipped or not.
#load "modnet.fsx"

open ModNet

let script = Script fsi.CommandLineArgs

let filters =
    pool "filters" {
        modules 6
        unit (conv 8 3 |> same |> relu)
    }

let filtered =
    modular {
        from filters
        choose 2
        controller (Conv(4, 3))
    }

let digits =
    network "mnist" {
        image (1, 28, 28)
        conv 8 5 |> same |> stride 2 |> relu
        filtered
        max_pool 2
        residual { filtered }
        flatten

        modular {
            modules 4
            unit (linear 32 |> relu)
            choose 2
            combine Concat
        }

        softmax 10
    }

experiment {
    net digits

    data (
        mnist (script.Data "") {
            held_out 5_000
            standardise true
        }
    )

    train (
        em {
            samples 5
            m_steps 10
            batch 128
            steps 1_000
            optimizer (Adam 3e-3)
            schedule (Warmup(50, Cosine))
        }
    )

    seed 1
    log_every 50
    validate_every 250
}
|> script.Run
