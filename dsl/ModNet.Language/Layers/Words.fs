namespace ModNet

/// The closed choices of a spec as words, for JSON, names and messages alike: the plainest first.
module internal Words =

    let ofActivation activation =
        match activation with
        | Relu -> "relu"
        | Tanh -> "tanh"
        | Sigmoid -> "sigmoid"
        | Gelu -> "gelu"
        | Silu -> "silu"
        | LeakyRelu _ -> "leaky_relu"
        | Elu _ -> "elu"
        | Softplus -> "softplus"
        | Hardswish -> "hardswish"
        | Mish -> "mish"
        | Softmax -> "softmax"
        | LogSoftmax -> "log_softmax"

    let activation =
        let plain = [ Relu; Tanh; Sigmoid; Gelu; Silu; Softplus; Hardswish; Mish; Softmax; LogSoftmax ]

        let set get make setting =
            Codec.case (ofActivation (make 0.0)) get make (Codec.one setting Codec.float) |> Codec.weighing 2

        Codec.wordsOr [
            set
                (function
                | LeakyRelu slope -> Some slope
                | _ -> None)
                LeakyRelu
                "slope"
            set
                (function
                | Elu alpha -> Some alpha
                | _ -> None)
                Elu
                "alpha"
        ] [ for kind in plain -> kind, ofActivation kind ]

    let combine = Codec.words [ Sum, "sum"; Concat, "concat" ]

    let duplicates = Codec.words [ Every, "every"; Once, "once" ]

    let init = Codec.words [ Uniform, "uniform"; Glorot, "glorot"; He, "he"; Stacked, "stacked" ]

    let dispatch =
        Codec.words [ Auto, "auto"; Loop, "loop"; Grouped, "grouped"; Wide, "wide"; Gather, "gather"; Kernel, "kernel" ]

    /// A number of floating point as in a script: 0.1, 1.0.
    let float (value: float) =
        let text = Numbers.ofFloat value
        if Seq.forall (fun letter -> System.Char.IsDigit letter || letter = '-') text then text + ".0" else text

    /// An activation as the value that scripts give it by: `LeakyRelu 0.1`.
    let activationCase activation =
        match activation with
        | LeakyRelu slope -> $"LeakyRelu {float slope}"
        | Elu alpha -> $"Elu {float alpha}"
        | other -> $"{other}"

    /// What follows a linear map or a convolution in a script: ` |> no_bias |> relu`.
    let affine bias activation =
        let bias = if bias then "" else " |> no_bias"

        match activation with
        | None -> bias
        | Some(Softmax | LogSoftmax as kind) -> $"{bias} |> activated_by {activationCase kind}"
        | Some(LeakyRelu value | Elu value as kind) -> $"{bias} |> {ofActivation kind} {float value}"
        | Some activation -> $"{bias} |> {ofActivation activation}"

    /// The sizes of an image [channels, height, width].
    let image =
        Codec.fields {
            let! channels = Codec.field "channels" (fun (channels, _, _) -> channels) Codec.int
            and! height = Codec.field "height" (fun (_, height, _) -> height) Codec.int
            and! width = Codec.field "width" (fun (_, _, width) -> width) Codec.int
            return channels, height, width
        }

    let shape: Codec<Shape> =
        let one name get make =
            Codec.case name get make (Codec.one (if name = "tokens" then "vocabulary" else "width") Codec.int)

        Codec.union [
            one
                "tokens"
                (function
                | Shape.Tokens size -> Some size
                | _ -> None)
                Shape.Tokens
            one
                "vector"
                (function
                | Shape.Vector width -> Some width
                | _ -> None)
                Shape.Vector
            one
                "sequence"
                (function
                | Shape.Sequence width -> Some width
                | _ -> None)
                Shape.Sequence
            Codec.case
                "image"
                (function
                | Shape.Image(c, h, w) -> Some(c, h, w)
                | _ -> None)
                Shape.Image
                image
        ]

    let custom: Fields<Custom, Custom> =
        Codec.fields {
            let! name = Codec.field "name" _.Name Codec.string
            and! input = Codec.field "input" _.Input shape
            and! output = Codec.field "output" _.Output shape
            and! parameters = Codec.field "parameters" _.Parameters Codec.long
            and! multiplyAdds = Codec.field "multiply_adds" _.MultiplyAdds Codec.long

            return {
                Name = name
                Input = input
                Output = output
                Parameters = parameters
                MultiplyAdds = multiplyAdds
                Code = Carried.none
            }
        }
