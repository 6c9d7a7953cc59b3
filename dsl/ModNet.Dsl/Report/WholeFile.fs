namespace ModNet.Figures

open System.IO
open System.Text

/// Files that are there whole or not at all.
module internal WholeFile =
    let private utf8 = UTF8Encoding(encoderShouldEmitUTF8Identifier = false)

    /// Writes text (UTF-8) beside `path`, flushes it to the disk and renames it into place.
    let write (path: string) (text: string) : unit =
        let full = Path.GetFullPath path
        let folder = Path.GetDirectoryName full
        Directory.CreateDirectory folder |> ignore

        let unfinished =
            Path.Combine(folder, $".{Path.GetFileName full}.{System.Environment.ProcessId}.tmp")

        try
            using (new FileStream(unfinished, FileMode.Create, FileAccess.Write)) (fun stream ->
                stream.Write(utf8.GetBytes text)
                stream.Flush(flushToDisk = true))

            File.Move(unfinished, full, overwrite = true)
        finally
            File.Delete unfinished
