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

open ModNet
open ModNet.Figures
open Language

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
