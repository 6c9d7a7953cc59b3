namespace ModNet

open System.IO
open System.Text.Json.Nodes
open ModNet.Pictures
open ModNet.Runtime

/// The report of an edit as a page, and in `edit.json`.
[<RequireQualifiedAccess>]
module EditPage =

    let private drawing (heading: string) (caption: string) (network: TrainedNetwork) =
        Sketching.ofPlan network.Plan |> Layout.ofSketch |> Svg.ofPicture |> Section.drawing heading caption

    let private report (before: TrainedNetwork) (after: TrainedNetwork) (measured: EditReport) : Report =
        let what = if measured.IsOfSteps then "steps" else "datapoints"

        {
            Report.Title = String.concat ", then " measured.Edits
            Summary = [
                "network", before.Experiment.Network.Name
                "gradient steps before", Numbers.grouped before.Step
                "measured on", $"{measured.Data} data"
                $"{what} affected", $"%.1f{100.0 * EditReport.share measured} %%"
            ]
            Command = None
            Sections = [
                Section.make "What the edit did" [
                    Content.Prose
                        $"Affected are the {what} whose path, before the edit, meets a module that was edited. All others must be as they were."
                    Content.Table(
                        [ ""; "affected"; "unaffected" ],
                        [
                            for heading, affected, unaffected in EditReport.rows measured ->
                                [ heading; affected; unaffected ]
                        ]
                    )
                    Content.Table(
                        [ ""; "before"; "after" ],
                        [
                            for heading, before, after in EditReport.costs measured ->
                                [ heading; Numbers.grouped before; Numbers.grouped after ]
                        ]
                    )
                ]
                drawing "Before" "The network before the edit." before
                drawing "After" "The network after the edit." after
            ]
            Spec = Some(Experiment.to_json after.Experiment)
            Files = []
        }

    let private json (measured: EditReport) : JsonObject =
        let object (fields: (string * JsonNode) list) =
            JsonObject(fields |> List.map System.Collections.Generic.KeyValuePair)

        let real (value: float) : JsonNode = if System.Double.IsFinite value then JsonValue.Create value else null

        let group (group: EditedGroup) =
            object [
                "count", JsonValue.Create group.Count
                "largest_change", real group.LargestChange
                "changed_predictions", JsonValue.Create group.ChangedPredictions
                "log_likelihood_before", real (fst group.LogLikelihood)
                "log_likelihood_after", real (snd group.LogLikelihood)
                match group.Accuracy with
                | Some(before, after) ->
                    "accuracy_before", real before
                    "accuracy_after", real after
                | None -> ()
            ]

        object [
            "data", JsonValue.Create measured.Data
            "of", JsonValue.Create(if measured.IsOfSteps then "steps" else "datapoints")
            "affected", group measured.Affected
            "unaffected", group measured.Unaffected
            "parameters_before", JsonValue.Create(fst measured.Parameters)
            "parameters_after", JsonValue.Create(snd measured.Parameters)
            "multiply_adds_before", JsonValue.Create(fst measured.MultiplyAdds)
            "multiply_adds_after", JsonValue.Create(snd measured.MultiplyAdds)
        ]

    /// Writes the report of an edit into the folder that `Edit.save` wrote: `edit.html`, and the numbers as `measured` into `edit.json`.
    /// Example: `EditReport.between 100 trained trained |> EditPage.write "runs/ptb-14" trained trained`
    let write (folder: string) (before: TrainedNetwork) (after: TrainedNetwork) (measured: EditReport) : unit =
        report before after measured |> Report.write (Path.Combine(folder, "edit.html"))
        let path = Path.Combine(folder, "edit.json")
        let edits = JsonNode.Parse(File.ReadAllText path).AsObject()
        edits["measured"] <- json measured
        WholeFile.Write(path, edits.ToJsonString(System.Text.Json.JsonSerializerOptions(WriteIndented = true)) + "\n")
