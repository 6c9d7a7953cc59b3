namespace ModNet

open System

/// Values of CSV files that are written (RFC 4180).
[<RequireQualifiedAccess>]
module internal CsvCell =

    /// A text as one value, in quotes where it would not be read back as it is.
    let quoted (text: string) : string =
        if text.AsSpan().IndexOfAny(",\"\n\r") < 0 && text = text.Trim() then
            text
        else
            "\"" + text.Replace("\"", "\"\"") + "\""
