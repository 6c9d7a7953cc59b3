namespace ModNet.Cli

open System.IO
open System.Reflection

/// The texts that `./modnet new` writes, with `{{word}}` where something is filled in.
[<RequireQualifiedAccess>]
module Template =

    let private text (name: string) : string =
        use stream = Assembly.GetExecutingAssembly().GetManifestResourceStream $"{name}.template"
        use reader = new StreamReader(stream)
        reader.ReadToEnd()

    /// The template of this name, filled in.
    let fill (name: string) (values: (string * string) list) : string =
        (text name, values) ||> List.fold (fun text (word, value) -> text.Replace($"{{{{{word}}}}}", value))
