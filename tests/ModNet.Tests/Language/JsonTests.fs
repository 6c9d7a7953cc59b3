module ModNet.Tests.JsonTests

open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

let private toyJson =
    """{
  "version": 2,
  "network": {
    "name": "toy",
    "layers": [
      {
        "kind": "features",
        "width": 2
      },
      {
        "kind": "modular",
        "pool": {
          "name": null,
          "modules": 2,
          "units": [
            [
              {
                "kind": "linear",
                "width": 2,
                "bias": false,
                "activation": null
              }
            ]
          ],
          "init": "uniform"
        },
        "choose": 1,
        "combine": "sum",
        "controller": {
          "kind": "linear"
        },
        "duplicates": "every",
        "stop_gradient": false,
        "dispatch": "auto"
      },
      {
        "kind": "gaussian",
        "variance": {
          "kind": "fixed",
          "value": 0.1
        }
      }
    ]
  }
}"""

/// With this mistake in it, the toy's JSON is refused with this line.
let private refuses name (right: string) (wrong: string) line =
    testCase name
    <| fun () ->
        Expect.stringContains toyJson right "the text to spoil"

        let diagnostic = Expect.wantError (Network.of_json (toyJson.Replace(right, wrong))) name

        Expect.equal (string diagnostic) line name
        Expect.equal diagnostic.Fault Fault.BadJson "fault"

[<Tests>]
let tests =
    testList "DSL JSON" [
        testCase "of the toy"
        <| fun () ->
            Expect.equal (Network.to_json toy) toyJson "written"
            Expect.equal (Network.of_json toyJson) (Ok toy) "read"

        testCase "numbers that JSON has no numerals for come back"
        <| fun () ->
            for value in [ infinity; -infinity ] do
                let odd = network "n" { gaussian (variance value) }
                Expect.equal (Network.of_json (Network.to_json odd)) (Ok odd) (string value)

            Expect.stringContains (Network.to_json (network "n" { gaussian (variance nan) })) "\"NaN\"" "NaN"

        refuses
            "a wrong type"
            "\"width\": 2,\n                \"bias\""
            "\"width\": \"two\",\n                \"bias\""
            "$.network.layers[1].pool.units[0][0].width: expected an integer, got \"two\" – mend this value"

        refuses
            "a fraction for a count"
            "\"modules\": 2"
            "\"modules\": 2.5"
            "$.network.layers[1].pool.modules: expected an integer, got 2.5 – mend this value"

        refuses
            "a misspelt choice"
            "\"sum\""
            "\"summ\""
            "$.network.layers[1].combine: expected one of \"sum\", \"concat\", got \"summ\" – mend this value"

        refuses
            "an unknown layer"
            "\"features\""
            "\"picture\""
            "$.network.layers[0].kind: expected one of \"tokens\", \"features\", \"sequence\", \"image\", \"tasks\", \"embed\", \"embed_columns\", \"linear\", \"conv\", \"conv_transpose\", \"conv1d\", \"self_attention\", \"positions\", \"learned_positions\", \"last_step\", \"mean_steps\", \"max_pool\", \"avg_pool\", \"upsample\", \"flatten\", \"as_image\", \"slice\", \"activation\", \"dropout\", \"layer_norm\", \"batch_norm\", \"activity_l1\", \"locality\", \"boundary\", \"gru\", \"lstm\", \"modular\", \"modular_gru\", \"residual\", \"coupling\", \"uncoupling\", \"sum_of\", \"concat_of\", \"repeat\", \"block\", \"custom\", \"softmax\", \"categorical\", \"gaussian\", \"bernoulli\", got \"picture\" – mend this value"

        refuses
            "a missing property"
            "\"bias\": false,"
            ""
            "$.network.layers[1].pool.units[0][0]: expected a property `bias`, got none – add it"

        refuses
            "a property too many"
            "\"bias\": false,"
            "\"bias\": false, \"bais\": true,"
            "$.network.layers[1].pool.units[0][0].bais: expected one of kind, width, bias, activation, got `bais` – mend or remove it"

        refuses
            "a property twice"
            "\"bias\": false,"
            "\"bias\": false, \"bias\": true,"
            "$: expected JSON, got Duplicate property 'bias' encountered during deserialization – mend the text"

        refuses
            "another version"
            "\"version\": 2"
            "\"version\": 3"
            "$.version: expected 2, got 3 – read it with the ModNet that wrote it, or write it anew"

        refuses
            "an experiment where a network is wanted"
            "\"network\": {"
            "\"experiment\": {"
            "$.experiment: expected one of version, network, got `experiment` – mend or remove it"

        testCase "text that is no JSON is refused, with its place"
        <| fun () ->
            let diagnostic = Expect.wantError (Network.of_json "{ \"version\": 1, }") "no JSON"
            Expect.stringStarts (string diagnostic) "$: expected JSON, got " "text"
            Expect.stringContains diagnostic.Got "LineNumber: 0" "line"
            Expect.isError (Network.of_json "") "empty"
            Expect.isError (Network.of_json "null") "null"
            Expect.isError (Network.of_json "[]") "array"
    ]
