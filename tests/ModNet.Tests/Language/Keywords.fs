/// The words of the language, and the examples that their documentation gives.
module ModNet.Tests.Keywords

open System
open System.ComponentModel
open System.IO
open System.Reflection
open System.Text.RegularExpressions
open System.Xml.Linq
open ModNet

/// A member of the library by the name of its type and its own.
type Keyword = {
    Owner: string
    Member: string
    /// As it is said in a script.
    Word: string
}

/// What `open ModNet` brings into a script.
let private assemblies = [ typeof<Network>.Assembly; typeof<TrainedNetwork>.Assembly ]

let private isHidden (info: MemberInfo) =
    info.GetCustomAttributes<EditorBrowsableAttribute>()
    |> Seq.exists (fun attribute -> attribute.State = EditorBrowsableState.Never)

let private declared =
    BindingFlags.Public ||| BindingFlags.Instance ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly

/// Without the number of its type parameters: ``RivalSettings`1`` is a type of scripts no more than of readers.
let private plain (name: string) = Regex.Replace(name, @"`+\d+", "")

let private operations (owner: Type) = [
    for info in owner.GetMethods declared do
        for attribute in info.GetCustomAttributes<CustomOperationAttribute>() do
            if not (isHidden info) then { Owner = plain owner.FullName; Member = info.Name; Word = attribute.Name }
]

let private values (owner: Type) = [
    for info in owner.GetMembers declared do
        let isAccessor =
            match info with
            | :? MethodInfo as info -> info.IsSpecialName
            | _ -> false

        // The compiler adds witnesses of constraints (`relu$W`); members of types elsewhere have a dot in their names.
        if not (isAccessor || isHidden info || info :? Type || info.Name.IndexOfAny [| '$'; '.' |] >= 0) then
            { Owner = plain owner.FullName; Member = info.Name; Word = info.Name }
]

/// Every word: the settings of builders, and what is in scope once `ModNet` is open.
let all =
    [
        for assembly in assemblies do
            for owner in assembly.GetExportedTypes() do
                yield! operations owner

                if owner.IsDefined typeof<AutoOpenAttribute> then yield! values owner
    ]
    |> List.distinct

/// An example, and the member that it is of.
type Example = { Owner: string; Member: string; Text: string }

/// `M:ModNet.PoolBuilder.Init(…)` is of ModNet.PoolBuilder and Init; `T:ModNet.Script` of ModNet and Script.
let private ownerAndMember (id: string) =
    let name = plain (Regex.Match(id, @"^\w:([\w.`]+)").Groups[1].Value)
    let last = name.LastIndexOf '.'
    name[.. last - 1], name[last + 1 ..]

/// Every example in the documentation that the build leaves beside the library.
let examples =
    let documentation (assembly: Assembly) =
        XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants(XName.Get "member")

    [
        for entry in assemblies |> Seq.collect documentation do
            let owner, name = ownerAndMember (entry.Attribute(XName.Get "name").Value)

            for example in Regex.Matches(entry.Value, @"Example: `(.*)`") do
                { Owner = owner; Member = name; Text = example.Groups[1].Value }
    ]

/// What the examples take to be there.
let declarations = [
    "open ModNet.Figures"
    "type Metric = ModNet.Runtime.Metric"
    "type MetricsLog = ModNet.Runtime.MetricsLog"
    "let words = pool \"words\" { modules 15; unit (linear 8 |> relu) }"
    "let toy = network \"toy\" { features 2; modular { modules 2; unit (linear 2) }; gaussian (variance 0.1) }"
    "let lm = network \"lm\" { tokens 50; embed 8; modular_gru { hidden 8; from words }; softmax 50 }"
    "let run = experiment { net toy; data (toy_regression { }); train (em { }) }"
    "let script = Script [| \"example.fsx\"; \"check\" |]"
    "let scale = custom \"scale\" { reads (Shape.Vector 2); gives (Shape.Vector 2); from_function (fun _ x -> x) }"
]

/// The example as an expression, in the block that it belongs in.
let inPlace (example: Example) =
    let text = if example.Text.StartsWith "let " then $"{example.Text} in ()" else example.Text

    match example.Owner with
    | "ModNet.PoolBuilder" -> $"pool \"example\" {{ {text} }}"
    | "ModNet.ModularSettings" -> $"modular {{ {text} }}"
    | "ModNet.ModularGruBuilder" -> $"modular_gru {{ {text} }}"
    | "ModNet.FoldBuilder" -> $"fold {{ {text} }}"
    | "ModNet.ProgramBuilder" -> $"program \"example\" {{ {text} }}"
    | "ModNet.ModularBuilder" -> $"modular {{ {text} }}"
    | "ModNet.SelfAttentionBuilder" -> $"self_attention {{ {text} }}"
    | "ModNet.SyntheticBuilder" -> $"boundary (synthetic {{ {text} }})"
    | "ModNet.CustomBuilder" ->
        $"custom \"example\" {{ reads (Shape.Vector 4); gives (Shape.Vector 4); from_function (fun _ x -> x); {text} }}"
    | "ModNet.EmBuilder" -> $"em {{ {text} }}"
    | "ModNet.MethodSettings" -> $"exact {{ {text} }}"
    | "ModNet.ReinforceBuilder" -> $"reinforce {{ {text} }}"
    | "ModNet.NoisyTopKBuilder" -> $"noisy_topk {{ {text} }}"
    | "ModNet.LossFreeTopKBuilder" -> $"loss_free_topk {{ {text} }}"
    | "ModNet.TextBuilder" -> $"text \"example\" {{ {text} }}"
    | "ModNet.ToyRegressionBuilder" -> $"toy_regression {{ {text} }}"
    | "ModNet.CsvBuilder" -> $"csv \"example\" {{ {text} }}"
    | "ModNet.StreamBuilder" -> $"stream {{ {text} }}"
    | "ModNet.GrowthBuilder" -> $"growth \"example\" {{ {text} }}"
    | "ModNet.ImageDataBuilder" -> $"mnist \"example\" {{ {text} }}"
    | "ModNet.InMemoryBuilder"
    | "ModNet.InMemoryTensors.InMemoryBuilder" ->
        $"in_memory \"example\" {{ inputs (array2D [ [ 1.0f ] ]); classes 2 [| 1 |]; {text} }}"
    | "ModNet.GeneratedBuilder" ->
        $"generated \"example\" {{ features 1; classes 2; draw (fun _ -> Datapoint.labelled [| 0.5f |] 1); {text} }}"
    | "ModNet.GameBuilder" -> $"game \"example\" {{ data (toy_regression {{ }}); {text} }}"
    | "ModNet.ExperimentBuilder" -> $"experiment {{ net toy; data (toy_regression {{ }}); train (em {{ }}); {text} }}"
    | "ModNet.RowBuilder" ->
        $"row \"example\" {{ run (fun _ -> experiment {{ net toy; data (toy_regression {{ }}); train (em {{ }}) }}); {text} }}"
    | "ModNet.StudyBuilder"
    | "ModNet.Reached" -> $"study \"example\" {{ {text} }}"
    | "ModNet.Edit"
    | "ModNet.EditReportModule"
    | "ModNet.EditPage" -> $"fun (trained: TrainedNetwork) (x: TorchSharp.torch.Tensor) -> {text}"
    | "ModNet.TrainedNetwork"
    | "ModNet.Sampling" ->
        $"fun (trained: TrainedNetwork) (x: TorchSharp.torch.Tensor) (y: TorchSharp.torch.Tensor) -> {text}"
    | "ModNet.AdaptedNetwork" ->
        $"fun (adapted: AdaptedNetwork) (x: TorchSharp.torch.Tensor) (y: TorchSharp.torch.Tensor) -> {text}"
    | "ModNet.StudyRun" -> $"fun (run: StudyRun) -> {text}"
    | "ModNet.NetworkModule" -> $"(let text = Network.to_json toy in {text})"
    // What ends the process is compiled only.
    | "ModNet.StudyModule"
    | "ModNet.Program" -> $"fun () -> {text}"
    // So is what reads the folder of a run.
    | "ModNet.Trace"
    | "ModNet.RoutingReport"
    | "ModNet.Trained"
    | "ModNet.ReportModule"
    | "ModNet.Figures.Curves"
    | "ModNet.ActivationsModule"
    | "ModNet.Inspect"
    | "ModNet.SparseInference" -> $"fun () -> {text}"
    | "ModNet.Structure"
    | "ModNet.StructurePage"
    | "ModNet.StructureReportModule"
    | "ModNet.Figures.StructureFigure" -> $"fun (graph: ModNet.Runtime.UnitGraph) -> {text}"
    | "ModNet.ExperimentModule" -> $"fun () -> (let script = run in {text})"
    | _ -> text
