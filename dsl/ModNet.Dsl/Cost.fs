namespace ModNet

/// What a layer holds and does. Conventions:
/// parameters are all that exist, a shared pool's counted where it is first used;
/// active parameters are those that one datapoint passes through (on a sequence: one step of it), a module counted at
/// every position and layer that chooses it, an embedding as the one row that is read, a controller in full;
/// multiply-adds are the products of that pass, W x of [out, in] being out · in; additions of b, activations, the
/// combination of units and a GRU's elementwise products are not counted.
type Cost = {
    Parameters: int64
    Active: int64
    MultiplyAdds: int64
}

module internal Cost =

    let private none = {
        Parameters = 0L
        Active = 0L
        MultiplyAdds = 0L
    }

    let private add first second = {
        Parameters = first.Parameters + second.Parameters
        Active = first.Active + second.Active
        MultiplyAdds = first.MultiplyAdds + second.MultiplyAdds
    }

    let private affine (input: int) (output: int64) bias =
        let products = int64 input * output
        let parameters = if bias then products + output else products

        {
            Parameters = parameters
            Active = parameters
            MultiplyAdds = products
        }

    let private width shape =
        match shape with
        | Shape.Tokens width
        | Shape.Vector width
        | Shape.Sequence width -> width

    /// K softmaxes over M from [input]: weight [K·M, input], bias [K·M].
    let private controller (modular: Modular) input =
        match modular.Controller with
        | Linear -> affine input (int64 modular.Choose * int64 modular.Pool.Modules) true

    /// K of M units; the M are counted only if the pool is new here.
    let private units (modular: Modular) (pool: PlannedPool) isNew =
        let (PoolUnit.Linear linear) = pool.Unit
        let one = affine pool.Input (int64 pool.Output) linear.Bias
        let chosen = int64 modular.Choose

        {
            Parameters = if isNew then int64 pool.Modules * one.Parameters else 0L
            Active = chosen * one.Active
            MultiplyAdds = chosen * one.MultiplyAdds
        }

    let private modular (modular: Modular) (pool: PlannedPool) isNew =
        add (controller modular pool.Input) (units modular pool isNew)

    /// The cost of a planned layer; `isNew` says whether its pool is first used here.
    let ofLayer isNew (layer: PlannedLayer) =
        let input = width layer.Input

        match layer.Layer, layer.Pool with
        | Layer.Embed size, _ -> {
            Parameters = int64 input * int64 size
            Active = int64 size
            MultiplyAdds = 0L
          }
        | Layer.Linear linear, _ -> affine input (int64 linear.Width) linear.Bias
        | Layer.Modular settings, Some pool -> modular settings pool isNew
        | Layer.ModularGru gru, Some pool ->
            // z and r, each [H + in] → [H] with bias; the candidate and its controller read [H + in] too.
            add (affine (gru.Hidden + input) (2L * int64 gru.Hidden) true) (modular gru.Candidate pool isNew)
        | Layer.Softmax classes, _ -> affine input (int64 classes) true
        | Layer.Gaussian(Variance.Learned _), _ -> {
            Parameters = 1L
            Active = 1L
            MultiplyAdds = 0L
          }
        | _ -> none

    let sum costs = Seq.fold add none costs
