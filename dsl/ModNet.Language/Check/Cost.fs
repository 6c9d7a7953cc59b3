namespace ModNet

open ModNet.Counts

/// What a layer holds and does. Conventions:
/// parameters are all that exist, a shared pool's counted where it is first used;
/// active parameters are those that one datapoint passes through (on a sequence: one step of it), a module counted at
/// every position and layer that chooses it (of mixed units the largest), an embedding as the one row that is read, a controller in full;
/// multiply-adds are the products of that pass, W x of [out, in] being out · in, a convolution's taken at every place; additions of b, activations, the
/// combination of units and a GRU's elementwise products are not counted.
type Cost = { Parameters: int64; Active: int64; MultiplyAdds: int64 }

module internal Cost =

    let none = { Parameters = 0L; Active = 0L; MultiplyAdds = 0L }

    let add first second = {
        Parameters = plus first.Parameters second.Parameters
        Active = plus first.Active second.Active
        MultiplyAdds = plus first.MultiplyAdds second.MultiplyAdds
    }

    let sum costs = Seq.fold add none costs

    /// Parameters that every datapoint passes, without products.
    let passed parameters = { Parameters = parameters; Active = parameters; MultiplyAdds = 0L }

    let affine input output bias =
        let products = times input output

        { passed (if bias then plus products output else products) with MultiplyAdds = products }

    let conv input channels kernel bias (places: int64) =
        let one = affine (times input (times (int64 kernel) (int64 kernel))) (int64 channels) bias

        { one with MultiplyAdds = times one.MultiplyAdds places }

    let channels shape =
        match shape with
        | Shape.Image(channels, _, _) -> int64 channels
        | other -> ShapeRules.Values other

    let places shape =
        match shape with
        | Shape.Image(_, height, width) -> int64 height * int64 width
        | _ -> 1L

    let ofCustom (custom: Custom) = { passed custom.Parameters with MultiplyAdds = custom.MultiplyAdds }
