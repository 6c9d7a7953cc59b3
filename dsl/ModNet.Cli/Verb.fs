namespace ModNet.Cli

open System.CommandLine
open System.CommandLine.Help

/// Who does what a verb asks for. Every action gives the exit code.
[<RequireQualifiedAccess>]
type Action =
    /// This program does it, from the parsed arguments and options.
    | Parsed of (ParseResult -> int)
    /// A user's script does it. Its path or name stands first, and it alone knows the options that follow.
    | Forwarded of (string -> string list -> int)
    /// The script ./modnet does it, because it builds or formats this very program. Here such a verb has only its help.
    | ByModnet

/// A command of ./modnet: its name, help, arguments and options, and what it does.
type Verb = { Command: Command; Action: Action }

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Verb =

    /// A verb with these arguments and options. While nothing is built, ./modnet reads `help` from the verb's source file, from the
    /// line `let private help = "…"`.
    let create (name: string) (help: string) (arguments: Argument list) (options: Option list) (action: Action) : Verb =
        let command = Command(name, help)
        List.iter command.Arguments.Add arguments
        List.iter command.Options.Add options
        command.Options.Add(HelpOption())
        { Command = command; Action = action }

    /// A verb whose script reads the options of `command`.
    let forwarded (command: Command) (help: string) (run: string -> string list -> int) : Verb =
        command.Description <- help
        { Command = command; Action = Action.Forwarded run }
