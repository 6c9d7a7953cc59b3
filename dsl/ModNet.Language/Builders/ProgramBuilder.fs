namespace ModNet

open System.ComponentModel

/// A program half said.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type ProgramDraft = internal {
    Registers: int
    Width: int
    Steps: int
    Arity: int
    Operators: Pool
    Controller: Controller
    Question: int
    GivesAll: bool
    Halts: bool
}

/// Sets a program's fields; made by `program`.
[<Sealed>]
type ProgramBuilder internal (name: string) =
    inherit
        SettingsBlock<ProgramDraft>(
            {
                Registers = 1
                Width = 1
                Steps = 1
                Arity = 1
                Operators = ModularLayer.own 0 []
                Controller = Linear
                Question = 0
                GivesAll = false
                Halts = false
            }
        )

    /// A layer that chooses one module.
    let choosing pool controller context = { ModularLayer.plain pool with Controller = controller; Context = context }

    /// The layers of a step that reads so many registers and the question, and whether anything comes after it. The newest register is first.
    let step (draft: ProgramDraft) registers isLast : Layer list =
        let width = draft.Width
        let state = registers * width + draft.Question

        let operand =
            choosing
                (ModularLayer.own registers [
                    for register in 0 .. registers - 1 -> [ Layer.Slice(register * width, width) ]
                ])
                draft.Controller
                0
            |> Layer.Modular

        let operators =
            if draft.Halts && width >= 1 then ModularLayer.halting width draft.Operators else draft.Operators

        let result = Layer.Modular { choosing operators draft.Controller state with Halts = draft.Halts }

        [
            Layer.ConcatOf [
                for _ in 1 .. draft.Arity do
                    [ operand ]
                []
            ]
            if isLast then result else Layer.ConcatOf [ [ result ]; [ Layer.Slice(draft.Arity * width, state) ] ]
        ]

    /// R, how many registers the input fills, ≥ 1; 1 unless said.
    /// Example: `registers 3`
    [<CustomOperation "registers">]
    member _.Registers(draft: ProgramDraft, count: int) = { draft with Registers = count }

    /// w, the number of features in a register, ≥ 1.
    /// Example: `width 8`
    [<CustomOperation "width">]
    member _.Width(draft: ProgramDraft, features: int) = { draft with Width = features }

    /// How many operators run one after the other, ≥ 1; 1 unless said.
    /// Example: `steps 4`
    [<CustomOperation "steps">]
    member _.Steps(draft: ProgramDraft, count: int) = { draft with Steps = count }

    /// The operators, modules [arity · w] → [w]. All steps share them.
    /// Example: `from words`
    [<CustomOperation "from">]
    member _.From(draft: ProgramDraft, operators: Pool) = { draft with Operators = operators }

    /// How many registers an operator reads, ≥ 1; 1 unless said. Two of them may be the same.
    /// Example: `arity 2`
    [<CustomOperation "arity">]
    member _.Arity(draft: ProgramDraft, operands: int) = { draft with Arity = operands }

    /// The form of the controllers that choose operands and operators, `Linear` unless said. They read all registers so far and the question. With `Given` the data bring the
    /// layout along: for each step its operands' registers, then its operator. Registers are counted from the newest, 0.
    /// Example: `controller (Mlp [ 32 ])`
    [<CustomOperation "controller">]
    member _.Controller(draft: ProgramDraft, controller: Controller) = { draft with Controller = controller }

    /// How many features follow the registers that the controllers alone read, ≥ 0: what is asked of the registers; none unless said.
    /// Example: `question 2`
    [<CustomOperation "question">]
    member _.Question(draft: ProgramDraft, features: int) = { draft with Question = features }

    /// Gives all registers, the newest first, and the question after them, instead of the last result alone.
    /// Example: `all_registers`
    [<CustomOperation "all_registers">]
    member _.AllRegisters(draft: ProgramDraft) = { draft with GivesAll = true }

    /// Adds an operator to the pool, the halt: it gives its first operand as it is, and from then on no step changes anything, so that the program gives this register. What steps after a halt would choose is no choice:
    /// programs may have more steps than most datapoints need.
    /// Example: `halts`
    [<CustomOperation "halts">]
    member _.Halts(draft: ProgramDraft) = { draft with Halts = true }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ProgramDraft) =
        Layer.Block(
            name,
            [
                for index in 0 .. draft.Steps - 1 do
                    yield! step draft (draft.Registers + index) (index = draft.Steps - 1 && not draft.GivesAll)
            ]
        )

[<AutoOpen>]
module Programs =

    /// Programs of modules, [R · w + question] → [w]: the input fills R registers of w features. Each step chooses the registers that it reads, its operands, and one of the pool's
    /// operators, and puts the result into a new register; the last result is what the program gives. So a program of n steps is n · (arity + 1) choices, which every training
    /// method learns as those of modular layers, or the data give. It is a block of this name, made of `concat_of`, `slice` and `modular`: step s has the layers concat_of2s−1, whose branches choose operands,
    /// and concat_of2s, which chooses the operator (the last step: modular1). Settings: `registers`, `width`, `steps`, `from`, `arity`, `controller`, `question`, `all_registers`, `halts`.
    /// Example: `program "solve" { registers 2; width 4; steps 3; from words; arity 2 }`
    let program (name: string) = ProgramBuilder name
