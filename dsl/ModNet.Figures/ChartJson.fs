namespace ModNet.Figures

open System
open System.Buffers
open System.Collections
open System.Globalization
open System.Text
open System.Text.Json
open System.Text.Json.Nodes
open DynamicObj
open Newtonsoft.Json
open Plotly.NET

/// A chart as plotly's JSON. Plotly.NET's own writer takes most of a second to start, ten times as long as this one.
[<RequireQualifiedAccess>]
module ChartJson =

    /// Writes seven significant digits: more than a plot can show, and half the size of all digits. A value that is not finite becomes null, a gap.
    let private number (writer: Utf8JsonWriter) (value: float) =
        if Double.IsFinite value then
            let culture = CultureInfo.InvariantCulture
            writer.WriteNumberValue(Double.Parse(value.ToString("G7", culture), culture))
        else
            writer.WriteNullValue()

    /// Writes a value of a type that only Plotly.NET knows as Plotly.NET would. Its JSON is read and written again, so that every `<` is escaped.
    let private foreign (writer: Utf8JsonWriter) (value: obj) =
        match JsonNode.Parse(JsonConvert.SerializeObject(value, Globals.JSON_CONFIG)) with
        | null -> writer.WriteNullValue()
        | node -> node.WriteTo writer

    let rec private write (writer: Utf8JsonWriter) (value: obj) : unit =
        match value with
        | null -> writer.WriteNullValue()
        | :? string as text -> writer.WriteStringValue text
        | :? bool as flag -> writer.WriteBooleanValue flag
        | :? int as whole -> writer.WriteNumberValue whole
        | :? int64 as whole -> writer.WriteNumberValue whole
        | :? float as value -> number writer value
        | :? float32 as value -> number writer (float value)
        | :? Color as colour ->
            match colour.Value with
            | :? string as text -> writer.WriteStringValue text
            | :? seq<obj> as colours when colours |> Seq.forall (fun colour -> colour :? string) -> write writer colours
            | _ -> foreign writer colour
        | :? DynamicObj as thing ->
            writer.WriteStartObject()

            for property in thing.GetProperties true do
                writer.WritePropertyName property.Key
                write writer property.Value

            writer.WriteEndObject()
        | :? IDictionary -> foreign writer value
        | :? IEnumerable as items ->
            writer.WriteStartArray()

            for item in items do
                write writer item

            writer.WriteEndArray()
        | other -> foreign writer other

    /// Gives a layout the house style, unless somebody chose another template.
    let private dressed (layout: Layout) : Layout =
        match layout.TryGetPropertyValue "template" with
        | Some chosen when obj.ReferenceEquals(chosen, HouseStyle.template) || chosen <> Defaults.DefaultTemplate ->
            layout
        | _ ->
            let copy = Layout()
            layout.ShallowCopyDynamicPropertiesTo copy
            copy.SetProperty("template", HouseStyle.template)
            copy

    /// `{"data": […], "layout": {…}}`; safe inside an HTML script element.
    let ofChart (chart: GenericChart) : string =
        let buffer = ArrayBufferWriter<byte>()
        use writer = new Utf8JsonWriter(buffer)
        writer.WriteStartObject()
        writer.WritePropertyName "data"
        write writer (GenericChart.getTraces chart)
        writer.WritePropertyName "layout"
        write writer (GenericChart.getLayout chart |> dressed)
        writer.WriteEndObject()
        writer.Flush()
        Encoding.UTF8.GetString buffer.WrittenSpan
