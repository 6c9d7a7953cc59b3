/// The scripts that an array of jobs for Slurm consists of.
module ModNet.Tests.SlurmArrayTests

open System
open System.IO
open Expecto
open FsCheck.FSharp
open ModNet

let private array words options tasks threads : SlurmArray = {
    Name = "toy"
    Home = "/shared/100% mine/toy"
    Runs = 12
    Threads = threads
    Request = { Options = options; Tasks = tasks; Words = words }
}

let private config = { FsCheckConfig.defaultConfig with maxTest = 20; replay = Some(20261130UL, 23UL, None) }

/// What a shell hands to the command that the script starts.
let private handed (script: string) : string list =
    inDirectory
    <| fun directory ->
        let path = write directory "script" (script.Replace("\nexec ", "\nprintf '%s\\0' "))
        let code, output, errors = Clone.run directory "bash" [ path ] [ "SLURM_CPUS_PER_TASK", "3" ]
        Expect.equal code 0 errors
        let words = output.Split '\000' |> Array.toList
        // The first is the program's, and nothing follows the last sign.
        words[1 .. words.Length - 2]

[<Tests>]
let tests =
    testList "arrays of jobs" [
        testCase "the script of the tasks says what Slurm has to know, and the user's options last"
        <| fun () ->
            let script =
                SlurmArray.tasks (array [ "reproduce"; "toy" ] "--partition=short --time=2:00:00" (Some 4) (Some 2))

            Expect.equal
                [
                    for line in script.Split '\n' do
                        if line.StartsWith "#SBATCH" then line
                ]
                [
                    "#SBATCH --job-name=modnet-toy"
                    "#SBATCH --output=\"/shared/100%% mine/toy/slurm/%A_%a.log\""
                    "#SBATCH --array=1-12%4"
                    "#SBATCH --cpus-per-task=2"
                    "#SBATCH --partition=short --time=2:00:00"
                ]
                "options"

            Expect.stringContains script "export MODNET_ARRAY=task\n" "role"

            Expect.stringContains
                script
                "# Written by: ./modnet reproduce toy --slurm '--partition=short --time=2:00:00' --tasks 4\n"
                "how to have it again"

        testCase "without a number of threads, a task takes the processors that Slurm gives it"
        <| fun () ->
            let array = array [ "reproduce"; "toy" ] "" None None
            Expect.equal (handed (SlurmArray.tasks array)) [ "reproduce"; "toy"; "--threads"; "3" ] "threads"

            Expect.stringContains
                (SlurmArray.tasks array)
                "#SBATCH --array=1-12\n"
                "as many at a time as the cluster has it"

            let gathering = SlurmArray.gathering array
            Expect.equal (handed gathering) [ "reproduce"; "toy"; "--threads"; "3" ] "the last job, too"
            Expect.isFalse (gathering.Contains "--array") "which is one job"
            Expect.stringContains gathering "export MODNET_ARRAY=gather\n" "its role"

        testPropertyWithConfig config "the command gets its words as they were given"
        <| Prop.forAll
            (Arb.fromGen (
                Gen.nonEmptyListOf (
                    Gen.elements [ "a b"; "it's"; "$HOME"; "`ls`"; "a\"b"; "*"; "--out"; "\\"; "a\nb"; "é"; "" ]
                )
            ))
            (fun words -> handed (SlurmArray.tasks (array words "" None (Some 1))) = words)

        testPropertyWithConfig config "what asks for Slurm is left out of the tasks' command, and nothing else"
        <| Prop.forAll
            (Arb.fromGen (
                gen {
                    let! before = Gen.listOf (Gen.elements [ "--quick"; "--data"; "DIR"; "-p short" ])
                    let! after = Gen.listOf (Gen.elements [ "--quick"; "--data"; "DIR" ])
                    let! options = Gen.elements [ ""; "-p short" ]
                    let! tasks = Gen.elements [ []; [ "--tasks"; "2" ] ]
                    return before, after, options, tasks
                }
            ))
            (fun (before, after, options, tasks) ->
                let slurm = "--slurm" :: (if options = "" then [] else [ options ])
                SlurmArray.without options (before @ slurm @ tasks @ after) = before @ after)
    ]
