namespace ModNet.Tests

open Expecto
open ModNet.Runtime

/// What is said of a user's mistake.
[<AutoOpen>]
module Mistakes =

    /// The message of the UserException that the body raises.
    let complaint (body: unit -> unit) : string =
        try
            body ()
            failtest "a user's mistake passes"
        with :? UserException as e ->
            Expect.equal (e.GetType()) typeof<UserException> $"a user's mistake: {e.Message}"
            e.Message

    /// The body raises a UserException whose message has these parts.
    let complains (body: unit -> unit) (parts: string list) =
        let message = complaint body

        for part in parts do
            Expect.stringContains message part ""

    /// The body raises an exception, of whatever kind, whose message has this part.
    let fails (body: unit -> unit) (part: string) =
        Expect.throwsC body (fun e -> Expect.stringContains e.Message part "the message")
