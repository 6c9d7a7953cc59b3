/// What a terminal shows while a run goes on.
module ModNet.Tests.LiveProgressTests

open System.IO
open System.Threading
open Expecto
open ModNet
open ModNet.Runtime
open Spectre.Console

let private console () =
    let written = new StringWriter()

    let console =
        AnsiConsole.Create(
            AnsiConsoleSettings(
                Ansi = AnsiSupport.Yes,
                Interactive = InteractionSupport.Yes,
                Out = AnsiConsoleOutput written
            )
        )

    console.Profile.Width <- 160
    console, written

[<Tests>]
let tests =
    testList "progress in a terminal" [
        test "a bar with figures stands below lines that stay, and goes away at the end" {
            let console, written = console ()
            let live = LiveProgress console
            live.Show(25L, 100L, "step 25/100 · [markup] is text")
            live.Write "step 20 · validation"
            live.Show(50L, 100L, "step 50/100")
            // A bar is drawn a few times a second.
            Thread.Sleep 600
            live.Finish()
            let said = string written
            Expect.stringContains said "50%" "the share that is done"
            Expect.stringContains said "step 50/100" "the newest figures"
            Expect.stringContains said "step 20 · validation" "the line that stays"
        }

        test "finishing without ever showing anything writes nothing, and finishing twice is as once" {
            let console, written = console ()
            let live = LiveProgress console
            live.Finish()
            Expect.equal (string written) "" "nothing"
            live.Show(1L, 2L, "half")
            live.Finish()
            live.Finish()
        }
    ]
