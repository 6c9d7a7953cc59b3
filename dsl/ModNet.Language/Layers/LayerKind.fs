namespace ModNet

/// Where in a network a layer belongs.
[<RequireQualifiedAccess>]
type internal Role =
    | Input
    /// Right after the input, whose own columns it reads.
    | Opening
    /// A side input: what flows through the layers passes it by.
    | Beside
    | Body
    | Head

/// Where a layer stands in a walk over a network, and what its rule may ask there.
type internal Site = {
    /// The way to it, as diagnostics give it: `net/residual1/linear1`.
    Place: string
    InModule: bool
    Notes: Notes
    Rules: ShapeRules
    /// Infers the layers of a chain inside this one (of branches and rounds: the i-th) from the shape that comes in.
    Chain: int option -> Layer list -> Shape option -> PlannedLayer list * Shape option
    /// What the K units of a modular layer give together for a row, and its pool.
    Together: Modular -> Shape option -> Shape option * PlannedPool option
    /// Notes the task ids beside the input.
    Tasks: int -> unit
} with

    /// Notes an activation whose setting cannot be.
    member site.Activation(activation: Activation option) =
        let within what setting (value: float) =
            if not (value >= 0.0 && System.Double.IsFinite value) then
                site.Notes.Add(
                    Fault.SlopeOutOfRange,
                    $"{site.Place}/activation",
                    $"a finite {setting} ≥ 0 of `{what}`",
                    Numbers.ofFloat value,
                    $"give `{what}` such a number"
                )

        match activation with
        | Some(LeakyRelu slope) -> within "leaky_relu" "slope" slope
        | Some(Elu alpha) -> within "elu" "alpha" alpha
        | _ -> ()

    /// Notes a penalty where there may be none.
    member site.Penalty(word: string) =
        if site.InModule then
            site.Notes.Add(
                Fault.PenaltyInModule,
                site.Place,
                "a module that does nothing but map its input",
                $"`{word}`",
                "put it after the modular layer"
            )

    /// What a layer that wants a sequence advises where there is none.
    member site.SequenceRemedy =
        if site.InModule then
            "modules read a sequence step by step: use `linear`, or `modular_gru` around them"
        else
            "begin with `sequence`, or `tokens` and `embed`, or use `linear`"

    /// Whether there is nothing inside where there should be, which is noted.
    member site.IsEmpty (what: string) (parts: 'Part list) =
        if parts.IsEmpty then
            site.Notes.Add(Fault.EmptyBlock, site.Place, what, "none", "put layers inside, or leave it out")

        parts.IsEmpty

/// What is known of a layer by its settings and by what comes in; None where it cannot be known.
type internal Inferred = { Output: Shape option; Pool: PlannedPool option; Inside: PlannedLayer list list }

module internal Inferred =

    let output shape = { Output = shape; Pool = None; Inside = [] }

/// What a cost is made of besides the layer itself.
type internal Costing = {
    /// The layers of a unit, one after the other.
    OfChain: PlannedLayer list -> Cost
    /// Whether the layer's pool is used here for the first time.
    IsNew: bool
}

/// All that is to be said of one kind of layer, whose settings are a 'P.
type internal Kind<'P> = {
    /// The keyword that makes it.
    Word: string
    Role: Role
    Get: Layer -> 'P option
    Make: 'P -> Layer
    /// Its JSON, given that of the layers inside it.
    Fields: Codec<Layer> -> Fields<'P, 'P>
    /// What names and tables call it: the keyword, except that an activation goes by its own name.
    Name: 'P -> string
    /// As in a script: `linear 8 |> no_bias |> relu`.
    Describe: 'P -> string
    /// Its shape rule: what it gives for what comes in. Notes what is wrong.
    Infer: Site -> 'P -> Shape option -> Inferred
    /// By itself, without what is inside.
    Cost: Costing -> PlannedLayer -> 'P -> Cost
    /// How much there is to read in it besides its settings; a kind that another can be simplified to weighs less.
    Weight: int
    /// Chains that are simpler, to put in its place; whether they fit there is for the rules to say.
    Simpler: 'P -> Layer list list
}

/// The same for any kind.
type internal LayerKind = {
    Role: Role
    Is: Layer -> bool
    Json: Codec<Layer> -> Case<Layer>
    Name: Layer -> string
    Describe: Layer -> string
    Infer: Site -> Layer -> Shape option -> Inferred
    Cost: Costing -> PlannedLayer -> Cost
    Simpler: Layer -> Layer list list
}

module internal LayerKind =

    /// A kind between input and head that keeps the shape of numbers and costs nothing, to be changed in what differs.
    let body weight word get make (fields: Codec<Layer> -> Fields<'P, 'P>) : Kind<'P> = {
        Word = word
        Role = Role.Body
        Get = get
        Make = make
        Fields = fields
        Name = fun _ -> word
        Describe = fun _ -> word
        Infer = fun site _ shape -> site.Rules.Numbers(site.Place, "numbers", shape) |> Inferred.output
        Cost = fun _ _ _ -> Cost.none
        Weight = weight
        Simpler = fun _ -> []
    }

    /// A kind without settings.
    let plain weight word (layer: Layer) : Kind<unit> =
        body weight word (fun other -> if other = layer then Some() else None) (fun () -> layer) (fun _ ->
            Codec.nothing ())

    /// A kind whose one setting is a size ≥ 1, `setting` in JSON and `what` in messages; `infer` gets it where it is sound.
    let sized weight word (setting, what) get make (infer: Site -> int option -> Shape option -> Shape option) = {
        body weight word get make (fun _ -> Codec.one setting Codec.int) with
            Describe = fun size -> $"{word} {Numbers.inScript (int64 size)}"
            Infer =
                fun site size shape ->
                    let size = site.Notes.Positive($"{site.Place}/{setting}", what, size)
                    infer site size shape |> Inferred.output
    }

    /// The kind without its type of settings.
    let ofKind (kind: Kind<'P>) : LayerKind =
        let settings layer = (kind.Get layer).Value

        {
            Role = kind.Role
            Is = kind.Get >> Option.isSome
            Json =
                fun layers -> Codec.case kind.Word kind.Get kind.Make (kind.Fields layers) |> Codec.weighing kind.Weight
            Name = settings >> kind.Name
            Describe = settings >> kind.Describe
            Infer = fun site layer -> kind.Infer site (settings layer)
            Cost = fun costing planned -> kind.Cost costing planned (settings planned.Layer)
            Simpler = settings >> kind.Simpler
        }
