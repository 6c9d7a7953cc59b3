/// Runs the test values of an assembly as xunit test cases, one per leaf, named by its path.
namespace Expecto.Bridge

#nowarn "44" // xunit marks the constructor that deserialisation needs as obsolete, so that nobody else calls it

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.Reflection
open System.Threading
open System.Threading.Tasks
open Xunit
open Xunit.Abstractions
open Xunit.Sdk
open Expecto

/// What became of a test.
type Outcome =
    | Passed
    | Skipped of reason: string
    /// An expectation was not met.
    | Failed of message: string
    /// The test threw.
    | Errored of exn

/// A leaf of a test tree, its labels joined by "/".
type Leaf = {
    name: string
    code: TestCode
    state: FocusState
}

/// Trees of tests to outcomes.
module Leaves =
    let private inherited parent state =
        match parent, state with
        | Normal, _ -> state
        | _, Pending
        | Pending, _ -> Pending
        | Focused, _ -> Focused

    /// The leaves of a tree, in order.
    let ofTest test =
        let rec loop path parent test =
            match test with
            | TestLabel(label, inner, state) -> loop (label :: path) (inherited parent state) inner
            | TestList(tests, state) -> tests |> List.collect (loop path (inherited parent state))
            | Sequenced(_, inner) -> loop path parent inner
            | TestCase(code, state) -> [
                {
                    name = path |> List.rev |> String.concat "/"
                    code = code
                    state = inherited parent state
                }
              ]

        loop [] Normal test

    /// Where a test is focused, all others are pending; several of one name become one that fails.
    let private settle leaves =
        let focused = leaves |> List.exists (fun leaf -> leaf.state = Focused)

        let duplicates =
            leaves
            |> List.countBy _.name
            |> List.filter (fun (_, n) -> n > 1)
            |> List.map fst
            |> set

        leaves
        |> List.distinctBy _.name
        |> List.map (fun leaf ->
            if duplicates.Contains leaf.name then
                {
                    leaf with
                        code = Sync(fun () -> failtestNoStack "Several tests have this name.")
                }
            elif focused && leaf.state = Normal then
                { leaf with state = Pending }
            else
                leaf)

    // Starts on this thread: gradient mode and the scopes of tensors belong to a thread.
    let private immediate code =
        (Async.StartImmediateAsTask code).GetAwaiter().GetResult()

    /// Runs a leaf to its end.
    let run leaf =
        try
            match leaf.state, leaf.code with
            | Pending, _ -> Skipped "pending"
            | _, Sync code ->
                code ()
                Passed
            | _, SyncWithCancel code ->
                code CancellationToken.None
                Passed
            | _, Async code ->
                immediate code
                Passed
            | _, AsyncFsCheck(config, _, code) ->
                config |> Option.defaultValue FsCheckConfig.defaultConfig |> code |> immediate
                Passed
        with
        | :? IgnoreException as e -> Skipped e.Message
        | :? ExpectoException as e -> Failed e.Message
        | e -> Errored e

    /// Every leaf of a tree and what became of it.
    let outcomes test =
        ofTest test |> settle |> List.map (fun leaf -> leaf.name, run leaf)

    let private staticMembers =
        BindingFlags.Static ||| BindingFlags.Public ||| BindingFlags.NonPublic

    let private valueOf (m: MemberInfo) =
        match m with
        | :? PropertyInfo as p -> p.GetValue null
        | :? FieldInfo as f -> f.GetValue null
        | :? MethodInfo as f -> f.Invoke(null, [||])
        | _ -> null

    // An attribute on an F# value is on its property and on the field behind it.
    let private isBackingField (m: MemberInfo) = m :? FieldInfo && m.Name.Contains '@'

    let private marked (m: MemberInfo) =
        let has attribute = m.IsDefined(attribute, false)

        if isBackingField m then None
        elif has typeof<FTestsAttribute> then Some Focused
        elif has typeof<TestsAttribute> then Some Normal
        elif has typeof<PTestsAttribute> then Some Pending
        else None

    let private ofMember (m: MemberInfo) state =
        let name = $"{m.DeclaringType.FullName}.{m.Name}"

        let test =
            try
                match valueOf m with
                | :? Test as test -> test
                | _ -> testCase name (fun () -> failtestNoStack "[<Tests>] marks a value that is no Test, or null.")
            with e ->
                let cause = e.GetBaseException()
                testCase name (fun () -> failtestNoStackf "The tests cannot be built: %O" cause)

        TestList([ test ], state) |> ofTest

    /// All leaves of an assembly's `[<Tests>]` values.
    let ofAssembly (assembly: Assembly) =
        assembly.GetTypes()
        |> Seq.collect _.GetMembers(staticMembers)
        |> Seq.choose (fun m -> marked m |> Option.map (ofMember m))
        |> List.concat
        |> settle

    let private found = ConcurrentDictionary<Assembly, Leaf list>()

    /// The same, gathered once: every test asks for them.
    let known (assembly: Assembly) = found.GetOrAdd(assembly, ofAssembly)

type private Runner
    (case: IXunitTestCase, leaf: Leaf, bus: IMessageBus, aggregator: ExceptionAggregator, stop: CancellationTokenSource)
    =
    inherit TestCaseRunner<IXunitTestCase>(case, bus, aggregator, stop)

    override _.RunTestAsync() =
        let test = XunitTest(case, case.DisplayName)

        let send (message: IMessageSinkMessage) =
            if not (bus.QueueMessage message) then
                stop.Cancel()

        send (TestStarting test)
        let clock = Stopwatch.StartNew()
        let outcome = Leaves.run leaf
        let seconds = decimal clock.Elapsed.TotalSeconds

        let failed kind message trace =
            send (TestFailed(test, seconds, "", [| kind |], [| message |], [| trace |], [| -1 |]))
            RunSummary(Total = 1, Failed = 1, Time = seconds)

        let summary =
            match outcome with
            | Passed ->
                send (TestPassed(test, seconds, ""))
                RunSummary(Total = 1, Time = seconds)
            | Skipped reason ->
                send (TestSkipped(test, reason))
                RunSummary(Total = 1, Skipped = 1)
            // The reporter leaves out the name of an exception type of xunit's own.
            | Failed message -> failed "Xunit.Sdk.XunitException" message ""
            | Errored e -> failed (e.GetType().FullName) e.Message e.StackTrace

        send (TestFinished(test, seconds, ""))
        Task.FromResult summary

/// One leaf as xunit sees it.
type LeafCase =
    inherit XunitTestCase

    val mutable private name: string

    /// For deserialisation only.
    new() = { inherit XunitTestCase(); name = "" }

    new(sink: IMessageSink, method: ITestMethod, name: string) =
        {
            inherit XunitTestCase(sink, TestMethodDisplay.ClassAndMethod, TestMethodDisplayOptions.None, method, [||])
            name = name
        }

    static member LeavesOf(method: ITestMethod) =
        Leaves.known (method.TestClass.Class.ToRuntimeType().Assembly)

    override this.Initialize() =
        base.Initialize()
        this.DisplayName <- this.name

    override this.GetUniqueID() =
        $"{this.TestMethod.TestClass.TestCollection.TestAssembly.Assembly.Name}/{this.name}"

    override this.Serialize data =
        base.Serialize data
        data.AddValue("leaf", this.name)

    override this.Deserialize data =
        this.name <- data.GetValue<string> "leaf"
        base.Deserialize data

    override this.RunAsync(_, bus, _, aggregator, stop) =
        let leaf =
            LeafCase.LeavesOf this.TestMethod
            |> List.find (fun leaf -> leaf.name = this.name)

        (new Runner(this, leaf, bus, aggregator, stop)).RunAsync()

/// Finds the leaves for xunit.
type Discoverer(sink: IMessageSink) =
    interface IXunitTestCaseDiscoverer with
        member _.Discover(_, method, _) =
            LeafCase.LeavesOf method
            |> Seq.map (fun leaf -> new LeafCase(sink, method, leaf.name) :> IXunitTestCase)

/// Marks the one method under which an assembly's tests run.
[<XunitTestCaseDiscoverer("Expecto.Bridge.Discoverer", "ModNet.Expecto")>]
type AllTestsAttribute() =
    inherit FactAttribute()
