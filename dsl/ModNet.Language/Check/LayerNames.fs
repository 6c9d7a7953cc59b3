namespace ModNet

open System.Collections.Generic

/// Names the layers of one chain, in order. A block's name is the user's; all others follow from kind and position.
type internal LayerNames(reserved: string seq) =

    /// How many there are of a kind and role: an activation may be called as a head is.
    let kinds = Dictionary<struct (string * Role), int>()
    let taken = HashSet<string>(reserved)

    /// The names of a graph's own parts stand beside those of its layers.
    static member AtTop = LayerNames [ "pools"; "head" ]

    static member Inside = LayerNames []

    /// The next layer's name, and whether it is still free. Inputs and heads are one of a kind in a sound network, so only
    /// further ones are numbered.
    member _.Next(layer: Layer) : string * bool =
        let name =
            match layer with
            | Layer.Block(name, _) -> name
            | layer ->
                let kind = Kind.ofLayer layer
                let role = Kind.role layer
                let count = 1 + kinds.GetValueOrDefault(struct (kind, role))
                kinds[struct (kind, role)] <- count

                if count = 1 && role <> Role.Body then kind else kind + string<int> count

        name, taken.Add name
