/// Sweeps: how their runs are named, shared out and told of.
module ModNet.Tests.SweepTests

open System.IO
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running

let private toy (name: string) (rate: float) (chance: int) =
    experiment {
        net (
            network name {
                features 2

                modular {
                    modules 3
                    unit (linear 2)
                }

                gaussian (variance 0.1)
            }
        )

        data (toy_regression { })

        train (
            em {
                steps 6
                optimizer (Adam rate)
            }
        )

        seed chance
    }

let private names (experiments: Experiment list) = (SweepPlan.make "tried" None experiments).Runs |> List.map _.Name

/// Trains in this process, one after the other: exit code.
let private trained (directory: string) (settings: Settings) (experiments: Experiment list) =
    let plan = SweepPlan.make "tried" (Some directory) experiments
    plan, quietly (fun () -> SweepRunner.run plan { settings with Jobs = Some 1; Threads = Some 1 })

let private config = { FsCheckConfig.defaultConfig with replay = Some(20261130UL, 17UL, None) }

[<Tests>]
let tests =
    testList "sweeps" [
        testCase "a run is named by the settings in which the runs differ, and says what they are"
        <| fun () ->
            let plan =
                SweepPlan.make "tried" None [
                    for rate in [ 0.01; 0.001 ] do
                        for chance in 1..2 -> toy "toy" rate chance
                ]

            Expect.equal plan.Settings [ "learning rate"; "seed" ] "what differs"

            Expect.equal
                [ for run in plan.Runs -> run.Name, run.Settings, run.Folder ]
                [
                    for rate in [ "0.01"; "0.001" ] do
                        for chance in [ "1"; "2" ] do
                            let name = $"learning-rate-{rate}-seed-{chance}"
                            name, [ rate; chance ], $"runs/tried/{name}"
                ]
                "the runs"

        testCase "the last part of `out` names a run, and so do networks that have names of their own"
        <| fun () ->
            Expect.equal
                (names [ { toy "toy" 0.01 1 with Out = Some "runs/elsewhere/first" }; toy "toy" 0.01 2 ])
                [ "first"; "seed-2" ]
                "what one says itself"

            Expect.equal (names [ toy "wide" 0.01 1; toy "deep" 0.01 1 ]) [ "wide"; "deep" ] "the networks' names"

        testCase "methods are told apart by their names, without the settings that only one of them has"
        <| fun () ->
            let other = toy "toy" 0.01 1

            let rival = {
                other with
                    Method =
                        static_modules {
                            steps 6
                            optimizer (Adam 0.01)
                        }
            }

            Expect.equal (names [ other; rival ]) [ "method-EM"; "method-static-modules" ] "names"

        testPropertyWithConfig config "names are different wherever experiments are"
        <| Prop.forAll
            (Arb.fromGen (
                gen {
                    let! rates = Gen.nonEmptyListOf (Gen.elements [ 0.1; 0.01; 1e-5; 1e-7 ])
                    let! chances = Gen.nonEmptyListOf (Gen.choose (0, 3))
                    let! networks = Gen.nonEmptyListOf (Gen.elements [ "toy"; "other" ])
                    return List.distinct rates, List.distinct chances, List.distinct networks
                }
            ))
            (fun (rates, chances, networks) ->
                let experiments = [
                    for rate in rates do
                        for chance in chances do
                            for network in networks -> toy network rate chance
                ]

                (List.distinct (names experiments)).Length = experiments.Length)

        testCase
            "experiments that are the same, or of one name, are one message each, and so is a name that is no folder's"
        <| fun () ->
            let same = toy "toy" 0.01 1
            let same' = { same with LogEvery = 3; Out = Some "runs/another" }

            Expect.equal
                (complaint (fun () -> names [ same; toy "toy" 0.01 2; same' ] |> ignore))
                "sweep \"tried\": expected experiments that differ, got numbers 1 and 3 of its list, which are the same – leave one of them out, or give it another `seed`; an option such as --seed holds for all of them"
                "the same"

            let called chance = { toy "toy" 0.01 chance with Out = Some "here" }

            Expect.equal
                (complaint (fun () -> names [ called 1; called 2 ] |> ignore))
                "sweep \"tried\": expected a name of its own for each experiment, got here for numbers 1 and 2 of its list – the name is the last part of `out`: say another, or leave `out` away"
                "of one name"

            Expect.stringContains (complaint (fun () -> names [] |> ignore)) "expected at least one experiment" "none"

            for name in [ ""; ".."; "a/b"; "a b" ] do
                Expect.stringContains
                    (complaint (fun () -> SweepPlan.make name None [ same ] |> ignore))
                    "expected a name of letters"
                    name

        testCase "a mistake is told once, with the runs that have it where not all do"
        <| fun () ->
            let choosing count chance =
                let good = toy "toy" 0.01 chance

                {
                    good with
                        Network =
                            network "toy" {
                                features 2

                                modular {
                                    modules 3
                                    unit (linear 2)
                                    choose count
                                }

                                gaussian (variance 0.1)
                            }
                }

            let said experiments =
                complaint (fun () -> SweepPlan.make "tried" None experiments |> SweepPlan.mustBeSound |> ignore)

            let all = said [ for chance in 1..3 -> choosing 4 chance ]
            Expect.equal (all.Split '\n').Length 1 "one line for three runs"
            Expect.isFalse (all.Contains "(in ") "all have it"
            let some = said [ choosing 1 1; choosing 4 2; choosing 4 3 ]
            Expect.stringEnds some "(in choose-4-seed-2, choose-4-seed-3)" "which have it"

        testPropertyWithConfig
            config
            "the cores are shared out: no more jobs than runs, no more threads in all than cores"
        <| Prop.forAll
            (Arb.fromGen (Gen.zip3 (Gen.choose (1, 64)) (Gen.choose (1, 40)) (Gen.elements [ true; false ])))
            (fun (cores, runs, onOneDevice) ->
                let jobs, threads = SweepRunner.share Settings.none cores runs onOneDevice
                let said, each = SweepRunner.share { Settings.none with Threads = Some 2 } cores runs onOneDevice
                let asked, _ = SweepRunner.share { Settings.none with Jobs = Some 3 } cores runs onOneDevice

                jobs >= 1
                && threads >= 1
                && jobs <= runs
                && jobs * threads <= cores
                && (not onOneDevice || jobs = 1)
                && (onOneDevice || jobs = min cores runs)
                && each = 2
                && said * each <= max 2 cores
                && asked = min 3 runs)

        testInDirectory "a run that cannot be done does not hold up the others, and the table tells of all"
        <| fun directory ->
            let missing = {
                SmallRuns.classes directory 1 with
                    Data =
                        csv (Path.Combine(directory, "gone.csv")) {
                            target "species"
                            classes 2
                            features [ "length"; "width" ]
                        }
                    Out = Some "missing"
            }

            let good = { SmallRuns.classes directory 2 with Out = Some "good" }
            let home = Path.Combine(directory, "sweep")
            let plan, code = trained home Settings.none [ missing; good ]
            Expect.equal code 1 "one failed"
            let table = File.ReadAllText(Path.Combine(home, "sweep.md"))
            Expect.stringContains table "| not begun |" "the one that could not"

            Expect.isTrue
                (System.Text.RegularExpressions.Regex.IsMatch(
                    table,
                    @"\| good \|.*\| 60/60 \| .*accuracy [\d.]+ %.* \| [246]0 \| .* s \| finished \|"
                ))
                table

            let csv = File.ReadAllLines(Path.Combine(home, "sweep.csv"))
            Expect.equal csv.Length 3 "headings and two runs"
            let headings = csv[0].Split ','
            let cells = csv[2].Split ','
            let best = cells[System.Array.IndexOf(headings, "best_validation_log_likelihood")]
            Expect.isLessThan (float best) 0.0 "a number"

            let another = { SmallRuns.classes directory 3 with Out = Some "other" }
            // What is finished is skipped, and what its table said of it stays.
            let before = File.GetLastWriteTimeUtc(Path.Combine(plan.Runs[1].Folder, "summary.json"))
            let plan, code = trained home { Settings.none with Resume = true } [ good; another ]
            Expect.equal code 0 "both"

            Expect.equal
                (File.GetLastWriteTimeUtc(Path.Combine(plan.Runs[0].Folder, "summary.json")))
                before
                "untouched"

            Expect.equal (RunComparison.page [ home ]).Title "good beside other" "compare takes the folder of a sweep"

            // Without --resume, an earlier run is set aside.
            let _, code = trained home Settings.none [ good ]
            Expect.equal code 0 "again"
            Expect.isTrue (File.Exists(Path.Combine(home, "good.1", "summary.json"))) "set aside"
    ]
