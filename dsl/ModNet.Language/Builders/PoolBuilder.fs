namespace ModNet

open System.ComponentModel

module internal PoolSettings =

    /// All modules are this.
    let ofUnit layers (pool: Pool) = { pool with Units = [ layers ] }

    /// The modules are these.
    let ofMixed (Mixed units) (pool: Pool) = { pool with Units = units; Modules = units.Length }

/// Sets a shared pool's fields; made by `pool`.
[<Sealed>]
type PoolBuilder internal (name: string) =
    inherit SettingsBlock<Pool>({ Name = Some name; Modules = 0; Units = []; Init = Uniform; Spread = false })

    /// M, the number of modules, ≥ 1.
    /// Example: `modules 15`
    [<CustomOperation "modules">]
    member _.Modules(pool: Pool, count: int) = { pool with Modules = count }

    /// What each module is, x [in] → [unit]: a layer, a `chain { … }`, an `mlp`, or a custom module of the user's own. Modules
    /// make no choices themselves. With `mixed { … }`, which says them one by one, M need not be said.
    /// Example: `unit (linear 8 |> relu)`
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, Chain layers) = PoolSettings.ofUnit layers pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, layer: Layer) = PoolSettings.ofUnit [ layer ] pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, linear: LinearSpec) = PoolSettings.ofUnit [ Layer.Linear linear ] pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, conv: ConvSpec) = PoolSettings.ofUnit [ Layer.Conv conv ] pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, Transposed conv) = PoolSettings.ofUnit [ Layer.ConvTranspose conv ] pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, conv: Conv1dSpec) = PoolSettings.ofUnit [ Layer.Conv1d conv ] pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, custom: Custom) = PoolSettings.ofUnit [ Layer.Custom custom ] pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, units: Mixed) = PoolSettings.ofMixed units pool

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    [<CompilerMessage(WrongChild.Unit, WrongChild.Code, IsError = true)>]
    member _.Unit(pool: Pool, _: 'Other) = pool

    /// How the modules' linear maps and convolutions begin; `Uniform` unless said. Fans are those of a single module, but
    /// for `Stacked`.
    /// Example: `init Glorot`
    [<CustomOperation "init">]
    member _.Init(pool: Pool, init: Init) = { pool with Init = init }

    /// Where several ranks train together, has the modules live on them, M / R on each, and rows go to their modules and back; unless said every
    /// rank has all modules. For modules of one `linear` layer.
    /// Example: `spread`
    [<CustomOperation "spread">]
    member _.Spread(pool: Pool) = { pool with Spread = true }

[<AutoOpen>]
module Pools =

    /// M modules that layers share: every layer that says `from` this pool, and every time step, uses the same modules.
    /// Settings: `modules`, `unit`, `init`, `spread`. Where one is said twice the last counts.
    /// Example: `let words = pool "words" { modules 15; unit (linear 8 |> relu) }`
    let pool (name: string) = PoolBuilder name
