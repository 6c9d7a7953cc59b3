namespace ModNet

/// Experiments as whole values.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Experiment =

    /// The experiment as JSON text, `{ "version": 2, "experiment": … }`; `of_json` gives it back exactly.
    let to_json (experiment: Experiment) : string =
        Document.write "experiment" (ExperimentJson.write experiment)

    /// The experiment that `to_json` wrote, or what is wrong with the text, at its JSON path.
    let of_json (text: string) : Result<Experiment, Diagnostic> =
        Document.read "experiment" ExperimentJsonReader.read text
