/// Properties as tests.
[<AutoOpen; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Expecto.ExpectoFsCheck

open System
open FsCheck

let rec private unwrap (e: exn) =
    match e with
    | :? Reflection.TargetInvocationException when not (isNull e.InnerException) -> unwrap e.InnerException
    | :? AggregateException as a when a.InnerExceptions.Count = 1 -> unwrap a.InnerExceptions[0]
    | _ -> e

let private describe outcome =
    match outcome with
    | Outcome.Failed e ->
        match unwrap e with
        | :? ExpectoException as failure -> failure.Message
        | error -> string error
    | other -> sprintf "%A" other

let private values arguments =
    arguments |> List.map (sprintf "%A") |> String.concat " "

let private counterexample (seed, gamma) (data: TestData) original shrunk outcome =
    String.concat "\n" [
        $"Failed after {data.NumberOfTests} tests. Parameters:\n\t{values original}"
        if data.NumberOfShrinks > 0 then
            $"Shrunk {data.NumberOfShrinks} times to:\n\t{values shrunk}"
        $"Result:\n\t{describe outcome}"
        if not data.Labels.IsEmpty then
            "Labels of failing property: " + String.concat ", " data.Labels
        $"Repeat it with:\n\ttestPropertyWithConfig {{ FsCheckConfig.defaultConfig with replay = Some ({seed}, {gamma}) }}"
    ]

let private runner (config: FsCheckConfig) name seed = {
    new IRunner with
        member _.OnStartFixture _ = ()

        member _.OnArguments(number, arguments, _) =
            config.receivedArgs config name number arguments |> Async.RunSynchronously

        member _.OnShrink(arguments, _) =
            config.successfulShrink config name arguments |> Async.RunSynchronously

        member _.OnFinished(_, result) =
            config.finishedTest config name |> Async.RunSynchronously

            match result with
            | TestResult.Passed _ -> ()
            | TestResult.Exhausted data ->
                failtestNoStackf "Exhausted: only %i cases met the property's precondition." data.NumberOfTests
            | TestResult.Failed(data, original, shrunk, outcome, _, _, _) ->
                match outcome with
                | Outcome.Failed e when (unwrap e :? IgnoreException) -> raise (unwrap e)
                | _ -> failtestNoStack (counterexample seed data original shrunk outcome)
}

let private property state config name (property: 'testable) =
    let check (config: FsCheckConfig) =
        async {
            // FsCheck's own seeds are 64 bits wide and do not fit Expecto's replay field, so the seed is drawn here.
            let seed, gamma =
                config.replay
                |> Option.defaultWith (fun () -> Random.Shared.Next(), Random.Shared.Next() ||| 1)

            let settings =
                Config.Default
                    .WithName(name)
                    .WithMaxTest(config.maxTest)
                    .WithStartSize(config.startSize)
                    .WithEndSize(config.endSize)
                    .WithArbitrary(config.arbitrary)
                    .WithReplay(
                        Some {
                            Rnd = Rnd(uint64 seed, uint64 gamma)
                            Size = None
                        }
                    )
                    .WithQuietOnSuccess(true)
                    .WithRunner(runner config name (seed, gamma))

            Check.One(settings, property)
        }

    TestLabel(name, TestCase(AsyncFsCheck(config, config, check), state), state)

/// Checks a property: a function of generated arguments to bool, unit (with Expect) or Property.
let testProperty name = property Normal None name

let ptestProperty name = property Pending None name
let ftestProperty name = property Focused None name

let testPropertyWithConfig config name = property Normal (Some config) name
let ptestPropertyWithConfig config name = property Pending (Some config) name
let ftestPropertyWithConfig config name = property Focused (Some config) name
