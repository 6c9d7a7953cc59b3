namespace ModNet

open ModNet.Runtime

/// Where a mistake that `check` found ends the matter.
[<RequireQualifiedAccess>]
module Refusal =

    /// The value, or a UserException with all that is wrong, a line each.
    let orRaise (result: Result<'Value, Diagnostic list>) : 'Value =
        match result with
        | Ok value -> value
        | Error diagnostics -> raise (UserException(diagnostics |> Seq.map string |> String.concat "\n"))
