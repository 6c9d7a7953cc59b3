namespace ModNet

open ModNet.Runtime

/// Mistakes that a user can mend, as exceptions with one message each.
[<RequireQualifiedAccess>]
module Refusal =

    /// The value, or a UserException with all that is wrong, a line each.
    /// Example: `Check.network toy |> Refusal.orRaise`
    let orRaise (result: Result<'Value, Diagnostic list>) : 'Value =
        match result with
        | Ok value -> value
        | Error diagnostics -> raise (UserException(diagnostics |> Seq.map string |> String.concat "\n"))

    /// Raises a UserException that says where the mistake is, what was expected, what was found, and the remedy.
    let internal refuse (place: string) (expected: string) (got: string) (remedy: string) : 'Value =
        raise (UserException(place, expected, got, remedy))
