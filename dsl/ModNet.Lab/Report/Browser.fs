namespace ModNet

open System
open System.IO
open ModNet.Runtime

/// The browser that turns a report's figures into pictures: an installed Chromium or Chrome; none is ever downloaded.
[<RequireQualifiedAccess>]
module Browser =

    /// The environment variable that names a browser.
    let variable = "MODNET_CHROMIUM"

    let private names = [ "chromium"; "chromium-browser"; "google-chrome" ]

    /// The browser that `named` (MODNET_CHROMIUM) gives, else the first one on the PATH. Raises UserException where there is none.
    let among (named: string option) (path: string) : string =
        match named with
        | Some program when File.Exists program -> program
        | Some program ->
            Refusal.refuse
                variable
                "the path of Chromium or Chrome"
                $"{program}, where there is no file"
                "correct it, or leave it out where one is on the PATH"
        | None ->
            let candidates =
                names
                |> Seq.collect (fun name ->
                    path.Split Path.PathSeparator |> Seq.map (fun folder -> Path.Combine(folder, name)))

            match Seq.tryFind File.Exists candidates with
            | Some program -> program
            | None ->
                Refusal.refuse
                    "pictures"
                    (String.Join(", ", names) + " on the PATH")
                    "none of them"
                    $"apt-get install chromium, or set {variable} to the path of a Chromium or Chrome"

    /// The browser of this machine. Raises UserException where there is none.
    let find () : string =
        let value (name: string) = Environment.GetEnvironmentVariable name |> Option.ofObj |> Option.filter ((<>) "")

        among (value variable) (value "PATH" |> Option.defaultValue "")
