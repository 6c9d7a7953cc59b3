namespace ModNet

open System
open System.IO
open ModNet.Runtime

/// How the lab and the command line print: these two functions stand in the place of F#'s own. What comes from data cannot steer the terminal, because
/// its control characters are shown (`VisibleText`).
[<AutoOpen>]
module internal Terminal =

    let private write (writer: unit -> TextWriter) (text: string) = writer().WriteLine(VisibleText.Lines text)

    /// A line on the output.
    let printfn (format: Printf.StringFormat<'Printer, unit>) : 'Printer =
        Printf.ksprintf (write (fun () -> Console.Out)) format

    /// A line on the error output.
    let eprintfn (format: Printf.StringFormat<'Printer, unit>) : 'Printer =
        Printf.ksprintf (write (fun () -> Console.Error)) format
