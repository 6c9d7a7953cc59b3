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

/// Starts the command line, without standard input.
let start (words: string list) =
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

    let running = Process.Start start
    running.StandardInput.Close()
    running

/// Runs the command line to its end; exit code, output, error output.
let modnet (words: string list) =
    use running = start words
    let errors = running.StandardError.ReadToEndAsync()
    let output = running.StandardOutput.ReadToEnd()
    running.WaitForExit()
    running.ExitCode, output, errors.Result

/// Runs any command in a folder, with these variables beside the environment's: exit code, output, error output.
let run (folder: string) (command: string) (words: string list) (environment: (string * string) list) =
    let start =
        ProcessStartInfo(
            command,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder
        )

    for word in words do
        start.ArgumentList.Add word

    for name, value in environment do
        start.Environment[name] <- value

    use running = Process.Start start
    running.StandardInput.Close()
    let errors = running.StandardError.ReadToEndAsync()
    let output = running.StandardOutput.ReadToEnd()
    running.WaitForExit()
    running.ExitCode, output, errors.Result
