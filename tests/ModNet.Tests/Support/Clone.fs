/// The clone that the tests run in, and its command line as a user starts it.
module ModNet.Tests.Clone

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open Expecto

let root =
    let rec up (directory: DirectoryInfo) =
        if File.Exists(Path.Combine(directory.FullName, "Research.sln")) then
            directory.FullName
        else
            up directory.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

/// Copies the script ./modnet into a folder, with what it reads besides.
let copyScript (directory: string) : unit =
    for name in [ "modnet"; Path.Combine("tools", "debian") ] do
        let copy = Path.Combine(directory, name)
        Directory.CreateDirectory(Path.GetDirectoryName copy) |> ignore
        File.Copy(Path.Combine(root, name), copy)

/// Starts a command in a folder, with these variables beside the environment's, without standard input.
let private begun (folder: string) (command: string) (words: string list) (environment: (string * string) list) =
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

    let running = Process.Start start
    running.StandardInput.Close()
    running

/// Runs any command in a folder, with these variables beside the environment's: exit code, output, error output.
let run (folder: string) (command: string) (words: string list) (environment: (string * string) list) =
    use running = begun folder command words environment
    let errors = running.StandardError.ReadToEndAsync()
    let output = running.StandardOutput.ReadToEnd()
    running.WaitForExit()
    running.ExitCode, output, errors.Result

/// The program of the command line.
let cli = Path.Combine(root, "artifacts", "bin", "ModNet.Cli", "release", "ModNet.Cli.dll")

/// Starts the command line, without standard input.
let start (words: string list) = begun root Environment.ProcessPath (cli :: words) []

/// Runs the command line to its end in a changed environment; exit code, output, error output.
let modnetWith (environment: (string * string) list) (words: string list) =
    run root Environment.ProcessPath (cli :: words) environment

/// The same in this process's environment.
let modnet (words: string list) = modnetWith [] words

/// What came of these words is a refusal: with this exit code, in a message that has these parts, and without a stack trace.
let isRefusal (exit: int, output: string, errors: string) (code: int) (words: string list) (parts: string list) =
    let command = String.concat " " words
    Expect.equal exit code $"exit code of {command}: {output}{errors}"

    for part in parts do
        Expect.stringContains errors part command

    Expect.isFalse (Regex.IsMatch(output + errors, @"^\s+at ", RegexOptions.Multiline)) $"no stack trace: {errors}"

/// The command line refuses these words in a changed environment.
let refusedWith (environment: (string * string) list) (code: int) (words: string list) (parts: string list) =
    isRefusal (modnetWith environment words) code words parts

/// The same in this process's environment.
let refused (code: int) (words: string list) (parts: string list) = refusedWith [] code words parts
