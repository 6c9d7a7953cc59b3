namespace ModNet

open System
open System.IO
open System.Text

/// Files that a command is told to write, by an option that names them. What somebody else wrote is never replaced.
[<RequireQualifiedAccess>]
module internal NamedFile =

    /// In the beginning of every page.
    let markOfPage = "<meta name=\"generator\" content=\"ModNet\""

    /// In the beginning of every notebook: the first cell's name.
    let markOfNotebook = "\"id\": \"cell-1\""

    // Marks are looked for in so many bytes.
    let private beginning = 16_384

    let private start (path: string) : string =
        use file = File.OpenRead path
        let bytes = Array.zeroCreate<byte> beginning
        let count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream = false)
        Encoding.Latin1.GetString(bytes, 0, count)

    let private demandEnding (option: string) (endings: string list) (path: string) =
        if not (endings |> List.exists (fun ending -> path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))) then
            let known = String.concat " or " endings
            Refusal.refuse option $"a file name that ends in {known}" path "name the file by what it shall hold"

    /// Raises UserException unless the name has one of the endings, and nothing is there or a file that the same command wrote: one that begins with
    /// one of the marks.
    let demand (option: string) (endings: string list) (marks: string list) (path: string) : unit =
        demandEnding option endings path

        if Directory.Exists path then
            Refusal.refuse path "a file to write" "a directory" $"name a file in it with {option}"

        if File.Exists path && not (marks |> List.exists (start path).Contains) then
            Refusal.refuse
                path
                "a new file, or one that this command wrote"
                "a file of another kind, which would be lost"
                $"give another name with {option}"

    /// Raises UserException where something is there already.
    let demandNew (option: string) (path: string) : unit =
        if Path.Exists path then
            Refusal.refuse
                path
                "a new file"
                "one that is there already"
                $"give another name with {option}, or replace it with --overwrite"

    /// Raises UserException unless a page can be written there; `demand` says when.
    let demandPage (path: string) : unit = demand "--out" [ ".html"; ".htm" ] [ markOfPage ] path
