/// Parquet on the command line.
module ModNet.Tests.ParquetVerbTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone

[<Tests>]
let tests =
    testList "parquet" [
        testInDirectory "predict reads Parquet, writes it with the columns of CSV, and `new` makes a script about it"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let at (name: string) = Path.Combine(directory, name)
            let flowers = SmallRuns.flowers 30
            let number (text: string) = Some(Double.Parse(text, Globalization.CultureInfo.InvariantCulture))

            let columns = [
                "width", Doubles [ for _, wide, _, _ in flowers -> number wide ]
                "species", Texts [ for _, _, _, species in flowers -> Some species ]
                "length", Doubles [ for long, _, _, _ in flowers -> number long ]
            ]

            writeParquet (at "asked.parquet") 7 columns
            writeCsv (at "asked.csv") columns

            let said (data: string) (out: string) =
                let code, _, errors = CommandHost.modnet [ "predict"; folder; "--data"; at data; "--out"; at out ]
                Expect.equal code 0 errors
                File.ReadAllBytes(at out), errors

            let csv = said "asked.csv" "a.csv"
            Expect.equal (said "asked.parquet" "b.csv") csv "the same of both"
            Expect.equal (snd (said "asked.parquet" "c.parquet")) (snd csv) "what it is told"
            let names, rows = readTable (at "c.parquet")
            Expect.equal (names, rows) (readTable (at "a.csv")) "read back"
            Expect.hasLength rows 30 "a row for each"
            let kinds = [ for column in CsvSketch.Of(at "c.parquet").Columns -> column.Name, column.IsNumeric ]

            Expect.containsAll
                kinds
                [ "row", true; "target", false; "probability:setosa", true; "log_likelihood", true ]
                "types"

            for of', answer in [ "asked.parquet", "x.txt"; "asked.parquet", "x" ] do
                CommandHost.refused 1 [ "predict"; folder; "--data"; at of'; "--out"; at answer ] [
                    "--out: expected a file that ends in .csv, .jsonl or .parquet"
                ]

            let words = [ "new"; "mine"; "--data"; "asked.parquet"; "--target"; "species" ]
            let code, _, errors = CommandHost.within directory words
            Expect.equal code 0 errors
            let code, _, errors = run directory Environment.ProcessPath [ cli; "train"; "mine.fsx"; "--steps"; "5" ] []
            Expect.equal code 0 errors
            let summary = (RunFiles.summary (at "runs/mine")).Value
            let file = summary["data"].["files"].[0]

            Expect.equal
                (string file["sha256"])
                (Convert.ToHexStringLower(Security.Cryptography.SHA256.HashData(File.ReadAllBytes(at "asked.parquet"))))
                "the checksum of the file"
    ]
