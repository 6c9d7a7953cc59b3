(**
# Figure 7: the toy regression's data

"Input data from a mixture of Gaussians (left) is transformed by scaling data from one mixture component and rotating the other
around the origin yielding the target data (right)" (paper, appendix B, Eqs. 17 and 18). "One possible such dataset": the one on which
Figure 3 is trained, seed 1.

    ./modnet reproduce fig7
*)
#load "modnet.fsx"

open ModNet
open ModNet.Figures

let inputs, targets, components = ToyProblem.points 1 (toy_regression { })

study "fig7" {
    title "Figure 7: the toy regression's data"

    report (fun _ -> [
        Section.figure
            "Inputs and targets"
            "Left: inputs x from two Gaussians. Right: targets y; the first component is rotated around the origin by R, the second scaled by S."
            (Toy.data inputs targets components)
    ])
}
|> Study.main fsi.CommandLineArgs
