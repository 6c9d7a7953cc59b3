namespace ModNet

module internal ModularLayer =

    /// A pool of a layer's own.
    let own modules units : Pool = { Name = None; Modules = modules; Units = units; Init = Uniform; Spread = false }

    /// A layer that chooses from the pool, of whose settings none has been said.
    let plain (pool: Pool) : Modular = {
        Pool = pool
        Choose = 1
        Combine = Sum
        Controller = Linear
        Duplicates = Every
        StopGradient = false
        Dispatch = Auto
        Masked = []
        Context = 0
        Halts = false
    }

    /// The pool with one module more, the halt, which gives the first features of what it reads as they are.
    let halting width (pool: Pool) : Pool =
        match pool.Units with
        | [] -> pool
        | _ when pool.Modules < 1 || pool.Modules >= Counts.mostModules -> pool
        | units ->
            let each = if units.Length = 1 then List.replicate pool.Modules units.Head else units
            { pool with Modules = pool.Modules + 1; Units = each @ [ [ Layer.Slice(0, width) ] ] }

    let private pool (layer: Codec<Layer>) : Codec<Pool> =
        Codec.object (
            Codec.fields {
                let! name = Codec.field "name" (fun (pool: Pool) -> pool.Name) (Codec.option Codec.string)
                and! modules = Codec.field "modules" _.Modules Codec.int
                and! units = Codec.field "units" _.Units (Codec.list (Codec.list layer))
                and! init = Codec.field "init" _.Init Words.init
                and! spread = Codec.unlessPlain "spread" false _.Spread Codec.bool
                return { Name = name; Modules = modules; Units = units; Init = init; Spread = spread }
            }
        )

    let fields (layer: Codec<Layer>) : Fields<Modular, Modular> =
        Codec.fields {
            let! pool = Codec.field "pool" (fun (modular: Modular) -> modular.Pool) (pool layer)
            and! choose = Codec.field "choose" _.Choose Codec.int
            and! combine = Codec.field "combine" _.Combine Words.combine
            and! controller = Codec.field "controller" _.Controller Controllers.codec
            and! duplicates = Codec.field "duplicates" _.Duplicates Words.duplicates
            and! stopGradient = Codec.field "stop_gradient" _.StopGradient Codec.bool
            and! dispatch = Codec.field "dispatch" _.Dispatch Words.dispatch
            and! masked = Codec.unlessPlain "masked" [] _.Masked (Codec.list Codec.int)
            and! context = Codec.unlessPlain "context" 0 _.Context Codec.int
            and! halts = Codec.unlessPlain "halts" false _.Halts Codec.bool

            return {
                Pool = pool
                Choose = choose
                Combine = combine
                Controller = controller
                Duplicates = duplicates
                StopGradient = stopGradient
                Dispatch = dispatch
                Masked = masked
                Context = context
                Halts = halts
            }
        }

    /// Notes a layer that chooses inside a module.
    let isAllowed (site: Site) word =
        if site.InModule then
            site.Notes.Add(
                Fault.ChoiceInModule,
                site.Place,
                "a module that makes no choices itself",
                $"`{word}`",
                "put the modular layer into the network, before or after this one"
            )

        not site.InModule

    let private infer (site: Site) (modular: Modular) shape =
        if isAllowed site "modular" then
            let input = site.Rules.Numbers(site.Place, "a vector [n], a sequence [T, n] or an image [C, H, W]", shape)
            let output, pool = input |> Option.map ShapeRules.Row |> site.Together modular

            let output =
                match input, output with
                | Some(Shape.Sequence _), Some(Shape.Vector width) -> Some(Shape.Sequence width)
                | Some(Shape.Sequence _), Some other ->
                    site.Notes.Add(
                        Fault.BadUnitOutput,
                        site.Place,
                        "units that give a vector [n] at every step",
                        string other,
                        "end the units with `flatten`"
                    )

                    None
                | _ -> output

            { Inferred.output output with Pool = pool }
        else
            Inferred.output None

    /// K of M units; the M are counted only if the pool is new here.
    let private units (costing: Costing) (modular: Modular) (pool: PlannedPool) =
        let each = pool.Units |> List.map costing.OfChain
        let largest f = each |> List.map f |> List.max
        let chosen = int64 modular.Choose

        let parameters =
            match each with
            | [ one ] -> Counts.times (int64 pool.Pool.Modules) one.Parameters
            | each -> (Cost.sum each).Parameters

        {
            Parameters = if costing.IsNew then parameters else 0L
            Active = Counts.times chosen (largest _.Active)
            MultiplyAdds = Counts.times chosen (largest _.MultiplyAdds)
        }

    /// What the controller reads of a row: what the units read, and the context.
    let row (modular: Modular) (pool: PlannedPool) =
        match pool.Input with
        | Shape.Vector width -> Shape.Vector(width + modular.Context)
        | other -> other

    let cost costing (layer: PlannedLayer) (modular: Modular) =
        match layer.Pool with
        | Some pool -> Cost.add (Controllers.cost modular (row modular pool) layer.Tasks) (units costing modular pool)
        | None -> Cost.none

    let kind = {
        LayerKind.body
            5
            "modular"
            (function
            | Layer.Modular modular -> Some modular
            | _ -> None)
            Layer.Modular
            fields with
            Infer = infer
            Cost = cost
            Simpler = fun modular -> List.tryHead modular.Pool.Units |> Option.toList
    }
