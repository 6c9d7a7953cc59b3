namespace ModNet

open System.IO
open ModNet.Runtime

/// The experiments that results are of: `specs/IDENTITY.json` beside the results files. When a later version writes specs otherwise,
/// identities change with it; kept specs tell what an older identity is now.
[<RequireQualifiedAccess>]
module internal StudySpecs =

    /// What names a file here: twelve hexadecimal digits, and no path to anywhere else.
    let private isIdentity (identity: string) =
        identity.Length = 12 && Seq.forall System.Char.IsAsciiHexDigitLower identity

    let private fileOf (results: string) (identity: string) = Path.Combine(results, "specs", $"{identity}.json")

    /// Keeps the experiment's spec.
    let keep (results: string) (experiment: Experiment) : unit =
        let path = fileOf results (Essence.identity experiment)

        if not (File.Exists path) then
            Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
            WholeFile.Write(path, Essence.ofRow experiment + "\n")

    /// The identity as this version has it; the same where no spec is kept that can be read.
    let current (results: string) (identity: string) : string =
        let path = fileOf results identity

        if isIdentity identity && File.Exists path then
            match Experiment.of_json (File.ReadAllText path) with
            | Ok experiment -> Essence.identity experiment
            | Error _ -> identity
        else
            identity
