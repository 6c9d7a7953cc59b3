namespace ModNet

/// A categorical head with a linear map.
[<AutoOpen>]
module SoftmaxLayer =

    /// Head: [in] → a categorical distribution over `classes`, by a linear map with bias; on a sequence one at every step.
    /// Example: `softmax 10_000`
    let softmax (classes: int) = Layer.Softmax classes

module internal Softmax =

    let private infer (site: Site) classes shape = site.Rules.EachStep(site.Place, shape, classes)

    let kind = {
        LayerKind.sized
            2
            "softmax"
            ("classes", "a number of classes")
            (function
            | Layer.Softmax classes -> Some classes
            | _ -> None)
            Layer.Softmax
            infer with
            Role = Role.Head
            Cost = fun _ layer classes -> Cost.affine (ShapeRules.Values layer.Input) (int64 classes) true
    }
