(**
# Does choosing modules pay on Penn Treebank?

Table 1 compares methods that choose modules; at 50,000 steps its order is in large part an order of overfitting. Here the rows that matter have an optimiser that overfits less, AdamW with a cosine schedule, three seeds each, and one static
module beside them: the same model without a choice. Rows of one seed see the same minibatches in the same order, so differences are taken seed by seed.

    ./modnet reproduce choosing --data DIR                                             # eighteen runs of about half an hour each
    ./modnet reproduce choosing --data DIR --rows own-15-1,static-1-decay --seeds 1    # a part, merged into the table
    ./modnet reproduce choosing --data DIR --quick

DIR holds ptb.train.txt, ptb.valid.txt and ptb.test.txt. A run that was interrupted goes on where it was. Criteria: a row with a choice has a lower test perplexity than one static module, with p < 0.05 in a two-sided paired t-test over the seeds, at the last
step; at the step with the best validation; and on the words that the training text has more than once.
*)
#load "language.fsx"
#load "paired.fsx"

open ModNet
open ModNet.Figures
open Language
open Paired

let compared = [ own_em_15_1; own_reinforce_15_1; own_reinforce_15_3; own_topk_15; own_static_3 ]
let reference = own_static_1

(** ## Measures *)

let at_the_end (run: StudyRun) = run.Test.Perplexity
let again (run: StudyRun) = seen_again run |> Option.map _.Test

let measures = [ "last step", at_the_end; "best validation", at_best_validation; "words seen more than once", again ]

/// exp H_b on the validation text: as many modules with equal probabilities have that entropy. One where nothing is chosen.
let effective (run: StudyRun) =
    if run.Finished then run.Validation.BatchSelectionEntropy |> Option.defaultValue 0.0 |> exp |> Some else None

let undecided (run: StudyRun) = if run.Finished then run.Validation.SelectionEntropy else None

let of_row (row: StudyRow) (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = row.Id && run.Finished)

(** ## What it says *)

let table runs =
    Section.make "Test perplexity" [
        Content.Table(
            [ "row"; yield! List.map fst measures; "validation, last step"; "effective modules"; "H_a [nats]"; "seeds" ],
            [
                for row in reference :: compared do
                    match of_row row runs with
                    | [] -> ()
                    | own -> [
                        row.Label
                        for _, measure in measures -> own |> List.choose measure |> spread
                        own |> List.choose _.Validation.Perplexity |> spread
                        own |> List.choose effective |> spread
                        own |> List.choose undecided |> spread
                        own |> List.map (_.Seed >> string) |> List.sort |> String.concat ", "
                      ]
            ]
        )
    ]

let measured (found: Difference) = $"%+.2f{found.Mean} ± %.2f{found.Deviation}, p = %.3f{found.P}, {found.Seeds} seeds"

let criteria runs = [
    for row in compared do
        for name, measure in measures do
            match difference measure (of_row row runs) (of_row reference runs) with
            | Some found ->
                Criteria.row
                    $"{row.Label}, {name}: lower than one static module"
                    (measured found)
                    (found.Mean < 0.0 && found.P < 0.05)
            | None -> ()
]

study "choosing" {
    title "Does choosing modules pay on Penn Treebank?"
    data_folder "ptb"
    rows (reference :: compared)
    measure "test perplexity" at_the_end
    measure "test perplexity at the best validation" at_best_validation
    measure "test perplexity of words seen more than once" again
    measure "effective modules" effective

    report (fun runs -> [
        if runs |> List.exists _.Finished then
            Criteria.section "Criteria" (criteria runs)
            table runs

        if not runs.IsEmpty then
            Section.figure
                "Perplexity over training"
                "Of every run that has begun, on the validation text and on the test text, once it is below 500."
                (Figure.beside [ curves runs "validation"; curves runs "test" ])
    ])
}
|> Study.main fsi.CommandLineArgs
