namespace ModNet

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open ModNet.Runtime

/// Text that a trained network writes.
[<Extension; Sealed; AbstractClass>]
type Sampling private () =

    static let refuse (place: string) expected got remedy = Refusal.refuse place expected got remedy

    static let demandText (trained: TrainedNetwork) : TextData =
        match trained.Experiment.Data, trained.Preparation with
        | Data.Text text, Some _ -> text
        | Data.Text _, None ->
            refuse
                trained.Experiment.Network.Name
                "a run that keeps its vocabulary"
                "one of an earlier version, without it"
                "resume the run with --resume and its data, which writes data.json and trains no further"
        | _ -> refuse trained.Experiment.Network.Name "a network on a text" "one on other data" "ask it by predict"

    /// The tokens of a prompt as the network's own. Those that it does not know are `<unk>`, if it knows that.
    static let tokens' (vocabulary: Vocabulary) (unit: TextUnit) (say: Action<string>) (prompt: string) : int array =
        let words = TextTokens.Of(prompt, unit) |> Seq.toArray
        let unknown = words |> Array.filter (vocabulary.Has >> not) |> Array.distinct

        if unknown.Length > 0 then
            let told = unknown |> Seq.map (fun word -> $"`{word}`") |> String.concat ", "

            if not (vocabulary.Has Vocabulary.Unknown) then
                refuse "--prompt" $"tokens of the {vocabulary.Size} that the run's text has" told "say it otherwise"

            say.Invoke $"prompt: {Vocabulary.Unknown} stands for {told}, which the run's text did not have"

        Array.map vocabulary.IdOf words

    /// The words, or characters, that a network on a text writes after a prompt, as many as `tokens` says; `<eos>` among them ends a line. An empty prompt stands
    /// for the end of a line, after which a new one begins. The same seed gives the same ones. Raises UserException where the network is on
    /// other data, or a number is out of range. `say` is told of tokens of the prompt that the network does not know.
    /// Example: `let words = trained.SampleWords("the company said", tokens = 20)`
    [<Extension>]
    static member SampleWords
        (
            trained: TrainedNetwork,
            prompt: string,
            [<Optional; DefaultParameterValue(100)>] tokens: int,
            [<Optional; DefaultParameterValue(1.0)>] temperature: float,
            [<Optional; DefaultParameterValue(0)>] topK: int,
            [<Optional; DefaultParameterValue(1L)>] seed: int64,
            [<Optional; DefaultParameterValue(null: Action<string>)>] say: Action<string>
        ) : IReadOnlyList<string> =
        let text = demandText trained
        let leaveOut = "leave it out for the default"

        if tokens < 1 then refuse "--tokens" "at least 1" (string tokens) leaveOut

        if topK < 0 then refuse "--top-k" "at least 1, or 0 for all" (string topK) leaveOut

        if not (temperature >= 0.0) || Double.IsInfinity temperature then
            refuse
                "--temperature"
                "a number of at least 0; 0 takes the most probable token"
                (Numbers.ofFloat temperature)
                leaveOut

        let vocabulary = Vocabulary.OfWords trained.ClassNames
        let say = if isNull say then Action<string>(ignore) else say

        let prompt =
            match tokens' vocabulary (Source.unit text) say prompt with
            | [||] -> [| vocabulary.IdOf Vocabulary.EndOfSentence |]
            | read -> read

        let settings = SamplingSettings(temperature, (if topK = 0 then Nullable() else Nullable topK), seed)
        let sampler = TextSampler(trained.Graph, trained.Evaluating, trained.Device, text.Window)

        sampler.Continue(prompt, settings)
        |> Seq.truncate tokens
        |> Seq.map (fun token -> trained.ClassNames[token])
        |> Seq.toArray
        :> _

    /// The same as a text that begins with the prompt: words with a space between them, or characters, and lines where they end.
    /// Example: `printfn "%s" (trained.Sample("the company said", temperature = 0.8))`
    [<Extension>]
    static member Sample
        (
            trained: TrainedNetwork,
            prompt: string,
            [<Optional; DefaultParameterValue(100)>] tokens: int,
            [<Optional; DefaultParameterValue(1.0)>] temperature: float,
            [<Optional; DefaultParameterValue(0)>] topK: int,
            [<Optional; DefaultParameterValue(1L)>] seed: int64,
            [<Optional; DefaultParameterValue(null: Action<string>)>] say: Action<string>
        ) : string =
        let words = Sampling.SampleWords(trained, prompt, tokens, temperature, topK, seed, say)
        TextTokens.Join(prompt, words, Source.unit (demandText trained))
