namespace ModNet

open System.Collections.Generic
open System.ComponentModel
open ModNet.Runtime
open TorchSharp

/// A user's function with its parameters as a module.
type internal FunctionModule
    (
        name: string,
        shapes: (string * int list) list,
        init: Initialiser,
        forward: IReadOnlyDictionary<string, torch.Tensor> -> torch.Tensor -> torch.Tensor
    ) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>(name)

    do
        for parameter, shape in shapes do
            // As a linear map's weight [out, in]: all but the first dimension are fan-in.
            let fan =
                match shape with
                | [] -> 1
                | [ length ] -> length
                | _ :: inputs -> List.reduce (*) inputs

            let value = init.Uniform(int64 fan, List.map int64 shape |> Array.ofList)
            this.register_parameter (parameter, value)

    override this.forward x =
        // A move to another device or type replaces the parameters, so they are asked for every time.
        let values = Dictionary<string, torch.Tensor>()

        for parameter, _ in shapes do
            values.Add(parameter, this.get_parameter parameter)

        forward values x

/// The code that a custom carries: makes its module, whose random numbers are the initialiser's.
[<Sealed>]
type internal TorchCode(make: Initialiser -> torch.nn.Module<torch.Tensor, torch.Tensor>) =
    inherit CustomCode()
    member _.Make(init: Initialiser) = make init

module internal MissingOfCustom =

    [<Literal>]
    let Message =
        "A custom module needs `reads`, `gives`, and either `from_module` or `from_function`; one of them is missing here."

/// There is no code yet.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type NoCode = internal | NoCode

/// The code is there: a module's maker, or a function of weights.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type HasCode =
    internal
    | FromModule of (unit -> torch.nn.Module<torch.Tensor, torch.Tensor>)
    | FromFunction of (IReadOnlyDictionary<string, torch.Tensor> -> torch.Tensor -> torch.Tensor)

/// What a custom module says whatever else is missing.
type internal CustomSettings = {
    Parameters: int64
    MultiplyAdds: int64
    /// The latest one stands first.
    Weights: (string * int list) list
}

/// A custom module whose declaration is not complete. Its type tells what is still missing.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type CustomDraft<'Input, 'Output, 'Code> = internal {
    Reads: 'Input
    Gives: 'Output
    Code: 'Code
    Settings: CustomSettings
}

/// Sets a custom module's fields; made by `custom`.
[<Sealed>]
type CustomBuilder internal (name: string) =

    inherit
        SettingsBlock<CustomDraft<NoCode, NoCode, NoCode>>(
            {
                Reads = NoCode
                Gives = NoCode
                Code = NoCode
                Settings = { Parameters = 0L; MultiplyAdds = 0L; Weights = [] }
            }
        )

    /// The shape of what it reads, per datapoint; a step of a sequence counts as one where the custom module is a pool's unit.
    /// Example: `reads (Shape.Vector 4)`
    [<CustomOperation "reads">]
    member _.Reads(draft: CustomDraft<'Input, 'Output, 'Code>, shape: Shape) : CustomDraft<Shape, 'Output, 'Code> = {
        Reads = shape
        Gives = draft.Gives
        Code = draft.Code
        Settings = draft.Settings
    }

    /// The shape of what it gives, per datapoint. Compiling the network checks the module against it.
    /// Example: `gives (Shape.Vector 8)`
    [<CustomOperation "gives">]
    member _.Gives(draft: CustomDraft<'Input, 'Output, 'Code>, shape: Shape) : CustomDraft<'Input, Shape, 'Code> = {
        Reads = draft.Reads
        Gives = shape
        Code = draft.Code
        Settings = draft.Settings
    }

    /// The number of parameters that the module of `from_module` has, for the summary; 0 by default. Compiling the network
    /// checks it against the module. (The parameters of `from_function` are its weights, which are counted.)
    /// Example: `parameters 40L`
    [<CustomOperation "parameters">]
    member _.Parameters(draft: CustomDraft<'Input, 'Output, 'Code>, count: int64) = {
        draft with
            Settings = { draft.Settings with Parameters = count }
    }

    /// A parameter for `from_function`, with its shape; it may be repeated. Its first values are drawn from U(−1/√in, 1/√in), `in` being all
    /// dimensions but the first.
    /// Example: `weight "scale" [ 4 ]`
    [<CustomOperation "weight">]
    member _.Weight(draft: CustomDraft<'Input, 'Output, 'Code>, name: string, shape: int list) = {
        draft with
            Settings = { draft.Settings with Weights = (name, shape) :: draft.Settings.Weights }
    }

    /// Multiply-adds per datapoint (on a sequence per step), for the summary; 0 by default.
    /// Example: `multiply_adds 32L`
    [<CustomOperation "multiply_adds">]
    member _.MultiplyAdds(draft: CustomDraft<'Input, 'Output, 'Code>, count: int64) = {
        draft with
            Settings = { draft.Settings with MultiplyAdds = count }
    }

    member private _.WithCode
        (draft: CustomDraft<'Input, 'Output, 'Code>, code)
        : CustomDraft<'Input, 'Output, HasCode> = {
        Reads = draft.Reads
        Gives = draft.Gives
        Code = code
        Settings = draft.Settings
    }

    /// A function that makes the module, [B, in] → [B, out]. It is called each time a module is needed: M times for a pool. Random numbers that it
    /// draws follow from the experiment's seed.
    /// Example: `from_module (fun () -> TorchSharp.torch.nn.Linear(4L, 8L))`
    [<CustomOperation "from_module">]
    member builder.FromModule
        (draft: CustomDraft<'Input, 'Output, 'Code>, make: unit -> #torch.nn.Module<torch.Tensor, torch.Tensor>)
        : CustomDraft<'Input, 'Output, HasCode> =
        builder.WithCode(draft, FromModule(fun () -> make () :> torch.nn.Module<torch.Tensor, torch.Tensor>))

    /// A function of the weights, by name, and of x [B, in] → [B, out].
    /// Example: `from_function (fun weights x -> x * weights["scale"])`
    [<CustomOperation "from_function">]
    member builder.FromFunction
        (
            draft: CustomDraft<'Input, 'Output, 'Code>,
            forward: IReadOnlyDictionary<string, torch.Tensor> -> torch.Tensor -> torch.Tensor
        ) : CustomDraft<'Input, 'Output, HasCode> =
        builder.WithCode(draft, FromFunction forward)

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: CustomDraft<Shape, Shape, HasCode>) : Custom =
        let weights = List.rev draft.Settings.Weights

        let refuse place = Refusal.refuse $"custom `{name}`{place}"

        for weight, shape in weights do
            if List.exists (fun size -> size < 1) shape then
                refuse $", weight `{weight}`" "sizes ≥ 1" $"%A{shape}" "give it positive numbers"

        match List.countBy fst weights |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(weight, _) -> refuse "" "weights of different names" $"two of name `{weight}`" "rename one"
        | None -> ()

        let parameters, make =
            match draft.Code with
            | FromModule _ when not weights.IsEmpty ->
                refuse
                    ""
                    "weights with `from_function` only"
                    "`weight` and `from_module`"
                    "leave one of them out: a module has its own parameters"
            | FromModule make -> draft.Settings.Parameters, (fun (init: Initialiser) -> init.Seeded make)
            | FromFunction forward ->
                let parameters =
                    weights
                    |> List.map (snd >> List.map int64<int> >> List.fold Counts.times 1L)
                    |> List.fold Counts.plus 0L

                parameters, (fun init -> new FunctionModule(name, weights, init, forward))

        {
            Name = name
            Input = draft.Reads
            Output = draft.Gives
            Parameters = parameters
            MultiplyAdds = draft.Settings.MultiplyAdds
            Code = Carried.some (TorchCode make :> CustomCode)
        }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(MissingOfCustom.Message, WrongChild.Code, IsError = true)>]
    member _.Run(_: CustomDraft<'Input, 'Output, 'Code>) : Custom = invalidOp MissingOfCustom.Message

/// `custom`, the word for code of your own.
[<AutoOpen>]
module Customs =

    /// A module of the user's own: a layer, the unit of a pool (made M times), or a controller. `reads` and `gives`, and
    /// `from_module` or `from_function`, are required; `weight` goes with the latter; `parameters` and `multiply_adds` are for the summary. JSON holds the
    /// name and not the code, so a spec that was read from JSON needs the code again (`Network.with_customs`, `Experiment.with_code_of`).
    /// Example: `custom "scale" { reads (Shape.Vector 4); gives (Shape.Vector 4); weight "scale" [ 4 ]; from_function (fun weights x -> x * weights["scale"]) }`
    let custom (name: string) = CustomBuilder name
