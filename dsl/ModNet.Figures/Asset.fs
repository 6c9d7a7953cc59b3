namespace ModNet.Figures

open System.IO
open System.IO.Compression
open System.Reflection

/// The files of `assets/` that are embedded in this assembly.
module internal Asset =
    let private open' (name: string) =
        Assembly.GetExecutingAssembly().GetManifestResourceStream("ModNet.Assets." + name)

    let text (name: string) : string =
        use reader = new StreamReader(open' name)
        reader.ReadToEnd()

    /// plotly.js, unpacked: a script that defines `Plotly`.
    let plotly () : string =
        use packed = new GZipStream(open' "plotly-cartesian.min.js.gz", CompressionMode.Decompress)

        use reader = new StreamReader(packed)
        reader.ReadToEnd()
