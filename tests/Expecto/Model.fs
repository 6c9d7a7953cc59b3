namespace Expecto

open System

/// How a property is checked; the fields and defaults of Expecto's own record.
type FsCheckConfig = {
    /// Cases generated.
    maxTest: int
    /// Size of the first case.
    startSize: int
    /// Size of the last case.
    endSize: int
    /// Seed and gamma (odd) of an earlier run, to repeat it.
    replay: (int * int) option
    /// Types whose static members give Arbitrary instances; the first wins.
    arbitrary: Type list
    /// Called with the generated arguments.
    receivedArgs: FsCheckConfig -> string -> int -> obj list -> Async<unit>
    /// Called after a successful shrink.
    successfulShrink: FsCheckConfig -> string -> obj list -> Async<unit>
    /// Called when the property is done.
    finishedTest: FsCheckConfig -> string -> Async<unit>
} with

    static member defaultConfig = {
        maxTest = 200
        startSize = 1
        endSize = 100
        replay = None
        arbitrary = []
        receivedArgs = fun _ _ _ _ -> async.Return()
        successfulShrink = fun _ _ _ -> async.Return()
        finishedTest = fun _ _ -> async.Return()
    }

/// What a test case does.
type TestCode =
    | Sync of stest: (unit -> unit)
    | SyncWithCancel of stest: (Threading.CancellationToken -> unit)
    | Async of atest: Async<unit>
    | AsyncFsCheck of
        testConfig: FsCheckConfig option *
        stressConfig: FsCheckConfig option *
        test: (FsCheckConfig -> Async<unit>)

/// Whether a test runs: pending ones never do; where one is focused, only focused ones do.
type FocusState =
    | Normal
    | Pending
    | Focused

type SequenceMethod =
    | Synchronous
    | SynchronousGroup of string
    | InParallel

/// A tree of tests.
type Test =
    | TestCase of code: TestCode * state: FocusState
    | TestList of tests: Test list * state: FocusState
    | TestLabel of label: string * test: Test * state: FocusState
    | Sequenced of SequenceMethod * Test

type ExpectoException(message: string) =
    inherit Exception(message)

/// An expectation that was not met.
type AssertException(message: string) =
    inherit ExpectoException(message)

/// A failure without a stack trace.
type FailedException(message: string) =
    inherit ExpectoException(message)

/// A test that declares itself skipped.
type IgnoreException(message: string) =
    inherit ExpectoException(message)

/// Marks a value of type Test as part of the assembly's tests.
[<AttributeUsage(AttributeTargets.Method ||| AttributeTargets.Property ||| AttributeTargets.Field)>]
type TestsAttribute() =
    inherit Attribute()

/// As Tests, all pending.
[<AttributeUsage(AttributeTargets.Method ||| AttributeTargets.Property ||| AttributeTargets.Field)>]
type PTestsAttribute() =
    inherit Attribute()

/// As Tests, all focused.
[<AttributeUsage(AttributeTargets.Method ||| AttributeTargets.Property ||| AttributeTargets.Field)>]
type FTestsAttribute() =
    inherit Attribute()

/// How near two floats must be: |a − b| ≤ absolute + relative · max(|a|, |b|).
type Accuracy = { absolute: float; relative: float }

[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Accuracy =
    let areCloseLhs a b = abs (a - b)

    let areCloseRhs m a b =
        m.absolute + m.relative * max (abs a) (abs b)

    let areClose m a b = areCloseLhs a b <= areCloseRhs m a b
    let low = { absolute = 1e-6; relative = 1e-3 }
    let medium = { absolute = 1e-8; relative = 1e-5 }
    let high = { absolute = 1e-10; relative = 1e-7 }
    let veryHigh = { absolute = 1e-12; relative = 1e-9 }
