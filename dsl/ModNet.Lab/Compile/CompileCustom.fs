namespace ModNet

open ModNet.Runtime
open TorchSharp

/// A custom module made, and held to what it declares.
module internal CompileCustom =

    /// Two datapoints of zeros. A sequence has three steps, a number that no width is taken for by chance.
    let private zeros (init: Initialiser) (shape: Shape) =
        let floats (sizes: int64 list) =
            torch.zeros (Array.ofList (2L :: sizes), dtype = init.DType, device = init.Device)

        match shape with
        | Shape.Tokens _ -> torch.zeros ([| 2L; 3L |], dtype = torch.ScalarType.Int64, device = init.Device)
        | Shape.Vector width -> floats [ int64 width ]
        | Shape.Sequence width -> floats [ 3L; int64 width ]
        | Shape.Image(channels, height, width) -> floats [ int64 channels; int64 height; int64 width ]

    let private expected (shape: Shape) =
        match shape with
        | Shape.Tokens _ -> [ 2L; 3L ]
        | Shape.Vector width -> [ 2L; int64 width ]
        | Shape.Sequence width -> [ 2L; 3L; int64 width ]
        | Shape.Image(channels, height, width) -> [ 2L; int64 channels; int64 height; int64 width ]

    let private show (shape: int64 list) = $"""[{shape |> List.map string |> String.concat ", "}]"""

    let private refuse fault place expected got remedy =
        Refusal.orRaise (Error [ { Fault = fault; Place = place; Expected = expected; Got = got; Remedy = remedy } ])

    let private hold place (custom: Custom) (init: Initialiser) (made: torch.nn.Module<torch.Tensor, torch.Tensor>) =
        use _scope = torch.NewDisposeScope()
        use _noGrad = torch.no_grad ()
        let count = made.parameters () |> Seq.sumBy _.numel()

        if count <> custom.Parameters then
            refuse
                Fault.CustomParameters
                place
                $"{custom.Parameters} parameters, which custom `{custom.Name}` declares"
                $"{count}"
                $"say `parameters {count}L`"

        made.eval ()

        // What a user's code raises on the shape that it says it reads is the answer to the question put here.
        let shape =
            try
                Ok(List.ofArray (made.call(zeros init custom.Input).shape))
            with error ->
                Error error.Message

        made.train ()

        match shape with
        | Ok shape when shape = expected custom.Output -> ()
        | answer ->
            let got =
                match answer with
                | Ok shape -> show shape
                | Error message -> $"an exception: {(message.Split '\n')[0]}"

            refuse
                Fault.CustomShape
                place
                $"{show (expected custom.Output)} from custom `{custom.Name}` for an input {show (expected custom.Input)}"
                got
                "make `reads` and `gives` what the module reads and gives"

    /// A fresh module. Raises UserException where it is not what its spec declares.
    let make place (init: Initialiser) (custom: Custom) : torch.nn.Module<torch.Tensor, torch.Tensor> =
        let code =
            match custom.Code.Value with
            | Some(:? TorchCode as code) -> code
            | _ -> invalidOp $"custom `{custom.Name}` carries no code, which check finds"

        let made = code.Make init
        made.``to`` (init.Device, init.DType) |> ignore
        hold place custom init made
        made
