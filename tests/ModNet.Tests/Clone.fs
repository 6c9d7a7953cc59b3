/// The clone that the tests run in, and its command line as a user starts it.
module ModNet.Tests.Clone

open System
open System.Diagnostics
open System.IO

let root =
    let rec up (directory: DirectoryInfo) =
        if File.Exists(Path.Combine(directory.FullName, "Research.sln")) then
            directory.FullName
        else
            up directory.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

/// Starts the command line in a changed environment, without standard input.
let private startWith (environment: (string * string) list) (words: string list) =
    let cli =
        Path.Combine(root, "artifacts", "bin", "ModNet.Cli", "release", "ModNet.Cli.dll")

    let start =
        ProcessStartInfo(
            Environment.ProcessPath,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = root
        )

    for word in cli :: words do
        start.ArgumentList.Add word

    for name, value in environment do
        start.Environment[name] <- value

    let running = Process.Start start
    running.StandardInput.Close()
    running

/// Starts the command line, without standard input.
let start (words: string list) = startWith [] words

/// Runs the command line to its end; exit code, output, error output.
let modnetWith (environment: (string * string) list) (words: string list) =
    use running = startWith environment words
    let errors = running.StandardError.ReadToEndAsync()
    let output = running.StandardOutput.ReadToEnd()
    running.WaitForExit()
    running.ExitCode, output, errors.Result

/// The same in this process's environment.
let modnet (words: string list) = modnetWith [] words
