namespace ModNet

open System.ComponentModel

/// Sets a shared pool's fields; made by `pool`.
[<Sealed>]
type PoolBuilder internal (name: string) =

    let empty: Pool = {
        Name = Some name
        Modules = 0
        Unit = None
    }

    /// M, the number of modules, ≥ 1.
    /// Example: `modules 15`
    [<CustomOperation "modules">]
    member _.Modules(pool: Pool, count: int) = { pool with Modules = count }

    /// What each module is: [in] → [width].
    /// Example: `unit (linear 8 |> relu)`
    [<CustomOperation "unit">]
    member _.Unit(pool: Pool, linear: LinearSpec) = {
        pool with
            Unit = Some(PoolUnit.Linear linear)
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> Pool) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Pool, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) : Pool = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Pool, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) : Pool = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Pool, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) : Pool = empty

[<AutoOpen>]
module Pools =

    /// M modules that layers share: every layer that says `from` this pool, and every time step, uses the same modules.
    /// Settings: `modules`, `unit`. Where one is said twice the last counts.
    /// Example: `let words = pool "words" { modules 15; unit (linear 8 |> relu) }`
    let pool (name: string) = PoolBuilder name
