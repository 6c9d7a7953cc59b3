/// Texts that trained networks go on with.
module ModNet.Tests.SamplingTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open TorchSharp

/// The most probable words after a prompt, by reading all of it anew for every word: obviously right, and slow.
let private mostProbable (trained: TrainedNetwork) (prompt: int list) (count: int) =
    let next (read: int list) =
        scoped (fun () ->
            use predicted = trained.Predict(SmallRuns.ids read)
            integers predicted |> Array.last)

    List.fold (fun read _ -> read @ [ next read ]) prompt [ 1..count ] |> List.skip prompt.Length

[<Tests>]
let tests =
    testSequenced
    <| testList "predictions" [
        testInDirectory "a network on a text goes on as if it read all of it anew, the same by one seed"
        <| fun directory ->
            use trained = Trained.load (SmallRuns.ofText directory true)
            let names = Seq.toArray trained.ClassNames
            let id word = Array.IndexOf(names, word)
            let prompt = "ada bob cid ada"
            let read = [ for word in prompt.Split ' ' -> id word ]
            let slow = mostProbable trained read 12 |> List.map (fun token -> names[token])

            let sampled (temperature: float) (topK: int) (seed: int64) =
                trained.SampleWords(prompt, 12, temperature, topK, seed) |> List.ofSeq

            Expect.equal (sampled 0.0 0 1L) slow "T = 0 takes the most probable word"
            Expect.equal slow.Head "bob" "the network has learned the text"
            Expect.equal (sampled 3.0 1 1L) slow "so does K = 1"
            Expect.equal (sampled 1e-3 0 1L) slow "and T near 0"
            let wild = sampled 50.0 0 7L
            Expect.equal (sampled 50.0 0 7L) wild "one seed, one text"
            Expect.notEqual (sampled 50.0 0 8L) wild "another seed, another text"
            let few = trained.SampleWords(prompt, 400, 50.0, 2, 1L)
            Expect.hasLength few 400 "as many as asked for"

            let text = trained.Sample("ada", 5, 0.0)
            Expect.equal text "ada bob cid ada bob cid" "as a text"

            let told = ResizeArray<string>()
            trained.SampleWords("ada zoë bob", 1, say = Action<string> told.Add) |> ignore
            Expect.stringContains (Seq.exactlyOne told) "<unk> stands for `zoë`" "what the text did not have"

        testInDirectory "a network on characters writes them back without spaces between them"
        <| fun directory ->
            use trained = Trained.load (SmallRuns.ofCharacters directory)
            let each = [ for rune in SmallRuns.pattern.EnumerateRunes() -> string rune ]
            Expect.equal each.Length 7 "an emoji is one, and an accent one of its own"
            Expect.equal (Set trained.ClassNames) (Set(each @ [ "<unk>"; "<eos>" ])) "the vocabulary"
            // <eos> and the seven make eight; two lines more, and the beginning of a third.
            let written = trained.Sample("ab", tokens = 5 + 8 + 8 + 3, temperature = 0.0)
            let whole = SmallRuns.pattern
            Expect.equal written $"{whole}\n{whole}\n{whole}\nab" "as the text goes on"
            let lines = trained.Sample($"{whole}\na", tokens = 6, temperature = 0.0)
            Expect.equal lines $"{whole}\n{whole}" "a prompt of two lines"
            let told = ResizeArray<string>()
            let strange = trained.Sample("a🙈", tokens = 1, say = Action<string> told.Add)
            Expect.stringStarts strange "a🙈" "the prompt stays as it is"
            Expect.stringContains (Seq.exactlyOne told) "<unk> stands for `🙈`," "what the text did not have"

        testInDirectory "draws follow p^(1/T) among the K most probable words"
        <| fun directory ->
            use trained = Trained.load (SmallRuns.ofText directory false)
            let sampler = TextSampler(trained.Graph, trained.Evaluating, trained.Device, 5)
            let temperature, topK, draws = 4.0, 3, 3_000

            let p = scoped (fun () -> numbers ((trained.PredictProbabilities(SmallRuns.ids [ 0 ])).select(1, 0L)))

            let expected =
                let kept = p |> Array.indexed |> Array.sortByDescending snd |> Array.truncate topK
                let weights = kept |> Array.map (fun (token, p) -> token, Math.Pow(p, 1.0 / temperature))
                let total = Array.sumBy snd weights
                weights |> Array.map (fun (token, weight) -> token, weight / total) |> Map.ofArray

            let found =
                [
                    for seed in 1..draws ->
                        sampler.Continue([| 0 |], SamplingSettings(temperature, topK, int64 seed)) |> Seq.head
                ]
                |> List.countBy id
                |> Map.ofList

            Expect.isTrue (Map.forall (fun token _ -> expected.ContainsKey token) found) "the most probable alone"

            for KeyValue(token, share) in expected do
                let seen = float (defaultArg (found.TryFind token) 0) / float draws
                // Four standard deviations of a share.
                Expect.isLessThan
                    (abs (seen - share))
                    (4.0 * sqrt (share * (1.0 - share) / float draws))
                    $"of word {token}"
    ]
