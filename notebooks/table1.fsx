(**
# Table 1: test perplexity on Penn Treebank

Twelve language models of one architecture (paper, section 3.2), trained by generalised Viterbi EM, by REINFORCE, as a noisy top-k
mixture, and without choice. `language.fsx` declares them, and two of our own, which the same model reaches with other settings of the
optimiser.

    ./modnet reproduce table1 --data DIR                                       # all of it: many hours
    ./modnet reproduce table1 --data DIR --rows em-15-1,static-1 --seeds 1,2   # a part, merged into the table
    ./modnet reproduce table1 --data DIR --quick                               # 500 steps for each row

DIR holds ptb.train.txt, ptb.valid.txt and ptb.test.txt (Mikolov's simple-examples.tgz). A run that was interrupted goes on where
it was; two commands at once share the rows among them.
*)
#load "language.fsx"

open System.IO
open ModNet
open ModNet.Figures
open TorchSharp
open Language

let curves (runs: StudyRun list) phase =
    runs
    |> List.map (fun run -> run.Name, run.Metrics |> List.filter (fun line -> line.Step > 0L))
    |> Curves.compare "perplexity" $"{phase} perplexity (log axis)" phase
    |> Panel.logY
    |> Panel.yRange 200.0 500.0

(** Models overfit well before 50,000 steps, so beside the paper's number, the last step's, stands that of the step validation picks. *)

let held_out (run: StudyRun) phase =
    run.Metrics
    |> List.filter (fun line -> line.Phase = phase && line.Step > 0L)
    |> List.map (fun line -> line.Step, line.Values["perplexity"])

let at_best_validation (run: StudyRun) =
    match held_out run "validation" with
    | [] -> None
    | lines ->
        let best = lines |> List.minBy snd |> fst

        held_out run "test" |> List.tryFind (fun (step, _) -> step = best) |> Option.map snd

(**
What happens past the best step is mostly the doing of few words. The training text has 30 words once; the validation text has 257 such words, the test
text 19. A model that has learned where each of them stands gives it next to nothing anywhere else, dozens of nats each. So here is the
perplexity of the other words, too.
*)

let seen_again_of (run: StudyRun) =
    Trained.within run.Folder (fun trained ->
        let splits = trained.Source.Splits

        let words (data: Runtime.Dataset) = Runtime.TensorArrays.Vector<int64> data.Targets

        let times = words splits.Train |> Array.countBy id |> dict

        let seen_again word =
            match times.TryGetValue word with
            | true, count -> count > 1
            | _ -> false

        let perplexity (parts: Runtime.Dataset seq) =
            let mutable total, count = 0.0, 0

            for part in parts do
                for start in 0L .. 128L .. part.Count - 1L do
                    use _scope = torch.NewDisposeScope()
                    let batch = part.Range(start, min 128L (part.Count - start))

                    let each =
                        trained.Graph.InEvaluation(fun () ->
                            let features = trained.Graph.Forward(batch.Inputs, trained.Evaluating).Features
                            trained.Graph.Head.LogLikelihood(features.flatten (0, 1), batch.Targets.flatten ()))

                    let targets = Runtime.TensorArrays.Vector<int64> batch.Targets

                    for word, log_p in Array.zip targets (Runtime.TensorArrays.Vector<float32> each) do
                        if seen_again word then
                            total <- total + float log_p
                            count <- count + 1

            exp (-total / float count)

        {| Test = perplexity splits.Test; Validation = perplexity splits.Validation |})

(** A finished run stays as it is, and the table is made again after each: every one is opened once. *)

let seen_again =
    let found = remembered seen_again_of

    fun (run: StudyRun) ->
        if run.Finished && File.Exists(Path.Combine(run.Folder, "checkpoint.safetensors")) then
            Some(found run)
        else
            None

let entropies (runs: StudyRun list) field heading =
    runs |> List.map (fun run -> run.Name, run.Metrics) |> Curves.compare field heading "validation"

study "table1" {
    title "Table 1: test perplexity on Penn Treebank"
    data_folder "ptb"
    rows table1_rows
    measure "test perplexity" (fun run -> run.Test.Perplexity)
    measure "validation perplexity" (fun run -> run.Validation.Perplexity)
    measure "test perplexity at the best validation" at_best_validation
    measure "test perplexity of words seen more than once" (seen_again >> Option.map _.Test)
    measure "validation perplexity of words seen more than once" (seen_again >> Option.map _.Validation)

    report (fun runs -> [
        if not runs.IsEmpty then
            Section.figure
                "Perplexity over training"
                "Of every run that has begun, on the validation text and on the test text, once it is below 500."
                (Figure.beside [ curves runs "validation"; curves runs "test" ])

            Section.figure
                "Module selection over training"
                "H_a (Eq. 15) and H_b (Eq. 16) in nats, on the validation text: how undecided the controller is about a word, and how evenly its probabilities spread over the modules. Both are means over the K positions."
                (Figure.beside [
                    entropies runs "selection_entropy" "H_a [nats]"
                    entropies runs "batch_selection_entropy" "H_b [nats]"
                ])
    ])
}
|> Study.main fsi.CommandLineArgs
