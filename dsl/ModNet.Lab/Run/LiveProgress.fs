namespace ModNet

open System
open System.Threading.Tasks
open ModNet.Runtime
open Spectre.Console

/// A bar at the foot of a terminal, with figures beside it that change, and lines above it that stay.
type internal LiveProgress(console: IAnsiConsole) =

    // Four times a second; more would only take the cores from training.
    let pause = TimeSpan.FromMilliseconds 250.0

    let barWidth = 24

    let ended = TaskCompletionSource()
    let mutable shown: (ProgressTask * Task) option = None

    let start (figures: string) =
        let started = TaskCompletionSource<ProgressTask>()
        let progress = console.Progress()
        progress.AutoClear <- true
        progress.RefreshRate <- pause

        progress.Columns(
            ProgressBarColumn(Width = Nullable barWidth),
            PercentageColumn(),
            TaskDescriptionColumn(Alignment = Justify.Left)
        )
        |> ignore

        // Not on this thread, to whose loop F# Interactive would post what is awaited, while it waits here.
        let showing =
            Task.Run(fun () ->
                progress.StartAsync(fun context ->
                    started.SetResult(context.AddTask(Markup.Escape figures))
                    ended.Task))

        // Where the bar could not begin, the wait would have no end.
        if Task.WaitAny(started.Task, showing) = 1 then showing.Wait()

        let bar = started.Task.Result
        shown <- Some(bar, showing)
        bar

    // One line: a line that wraps would make the bar jump.
    let fitting (figures: string) =
        // Beside the bar stand a percentage and the blanks between columns.
        let room = max 20 (console.Profile.Width - barWidth - 8)
        if figures.Length <= room then figures else figures[.. room - 2] + "…"

    /// The bar of this process's terminal. Spectre.Console takes one whose error output goes elsewhere, as that of a script under
    /// ./modnet does, for no terminal, unless it is told.
    static member OnTerminal() =
        LiveProgress(AnsiConsole.Create(AnsiConsoleSettings(Interactive = InteractionSupport.Yes)))

    /// The same where this process's output is a terminal that can show one. What MPI launchers give a process for a terminal may be a file in the end.
    static member WhereThereIsATerminal() : LiveProgress option =
        if
            not Console.IsOutputRedirected
            && AnsiConsole.Profile.Capabilities.Ansi
            && not (MpiLibrary.Launched()).HasValue
        then
            Some(LiveProgress.OnTerminal())
        else
            None

    /// Moves the bar, and shows other figures beside it.
    member _.Show(reached: int64, total: int64, figures: string) =
        let figures = fitting figures

        let bar =
            match shown with
            | Some(bar, _) -> bar
            | None -> start figures

        bar.MaxValue <- float (max 1L total)
        bar.Value <- float reached
        bar.Description <- Markup.Escape figures

    /// Writes a line above the bar.
    member _.Write(line: string) = console.WriteLine line

    /// Takes the bar away.
    member _.Finish() =
        match shown with
        | None -> ()
        | Some(_, showing) ->
            shown <- None
            ended.TrySetResult() |> ignore
            showing.Wait()
