// The paper's toy regression (section 3.1, appendix B; Figures 3 and 7): two modules, one chosen for each datapoint.
// The data are a mixture of two Gaussians; one component is rotated by R, the other scaled by S. Nobody says which is which:
// the controller has to learn the component, and each module the map of one.
//
//     ./modnet demo                        this script, compiled
//     ./modnet train notebooks/toy.fsx     the same, with options (--help)
#if INTERACTIVE
#load "modnet.fsx"
#else
module ModNet.Notebooks.Toy
#endif

open ModNet

let toy =
    network "toy" {
        features 2

        modular {
            modules 2
            unit (linear 2 |> no_bias)
            choose 1
            controller Linear
        }

        gaussian (variance 0.02)
    }

let run =
    experiment {
        net toy
        data (toy_regression { })

        train (
            em {
                samples 10
                m_steps 30
                batch 128
                steps 3_000
                optimizer (Adam 1e-2)
            }
        )

        seed 1
    }

#if INTERACTIVE
run |> Program.main fsi.CommandLineArgs
#endif
