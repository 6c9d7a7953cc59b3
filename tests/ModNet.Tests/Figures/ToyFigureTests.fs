/// Figures of the toy regression, and of controllers.
module ModNet.Tests.ToyFigureTests

open Expecto
open ModNet.Figures
open ModNet.Tests.DrawnFigure
open Plotly.NET

let private toy = [
    testCase "composition: one cloud for each module and component that meet, targets behind" (fun () ->
        let figure = Toy.composition points points moved [| 0; 1; 1 |] [| 1; 0; 1 |] |> Drawn

        Expect.equal
            (listed figure |> List.sort)
            [ "module 0, component 1"; "module 1, component 0"; "module 1, component 1"; "target" ]
            "legend"

        let trace name axis = figure.Data |> Seq.find (fun t -> text t["name"] = name && text t["yaxis"] = axis)

        Expect.equal (floats (trace "module 0, component 1" "y").["x"]) [| 2.0 |] "an input"
        Expect.equal (floats (trace "module 0, component 1" "y2").["x"]) [| 20.0 |] "its prediction"
        Expect.equal (floats (trace "target" "y2").["x"]) [| 0.0; 2.0; 4.0 |] "the targets"

        let look name =
            let marker = (trace name "y").["marker"]
            text marker["color"], text marker["symbol"]

        Expect.equal (fst (look "module 1, component 0")) (fst (look "module 1, component 1")) "colour is the module"

        Expect.equal
            (snd (look "module 0, component 1"))
            (snd (look "module 1, component 1"))
            "symbol is the component")

    testCase "data: inputs left, targets right, by component" (fun () ->
        let figure = Toy.data points moved [| 0; 1; 0 |] |> Drawn
        Expect.equal (names figure) [ "component 0"; "component 1"; "component 0"; "component 1" ] "clouds"
        Expect.equal (floats figure.Data[2].["y"]) [| 10.0; 50.0 |] "targets of component 0")

    testCase "a component has the colour that its module has in other figures" (fun () ->
        let composition = Toy.composition points points moved [| 0; 1; 1 |] [| 1; 0; 0 |] |> Drawn
        let data = Toy.dataIn (fun c -> 1 - c) points moved [| 0; 1; 1 |] |> Drawn

        let look (figure: Drawn) name =
            let marker = (figure.Data |> Seq.find (fun trace -> text trace["name"] = name)).["marker"]
            text marker["color"], text marker["symbol"]

        for c in 0..1 do
            Expect.equal
                (look data $"component {c}")
                (look composition $"module {1 - c}, component {c}")
                "colour and symbol")

    testCase "arrows go from input to prediction" (fun () ->
        let figure = Toy.arrows 2 points moved [| 0; 1; 0 |] |> Drawn
        Expect.equal (figure.Data[1].["x"].ToJsonString()) "[2,20,null]" "module 1"
        Expect.equal (figure.Data[0].["y"].ToJsonString()) "[1,10,null,5,50,null]" "module 0")

    testCase "shapes that do not fit are refused by name" (fun () ->
        fails
            (fun () -> Toy.data points (Array2D.zeroCreate 3 3) [| 0; 1; 0 |] |> ignore)
            "targets: expected [3, 2], got [3, 3]")
]

let private controllers = [
    testCase "a distribution is black at 0, white at 1, first datapoint on top" (fun () ->
        let figure = Controllers.distribution (array2D [ [ 0.0; 1.0 ]; [ 0.5; 0.5 ] ]) |> Drawn

        let trace = figure.Data[0]
        Expect.equal (trace["z"].ToJsonString()) "[[0,1],[0.5,0.5]]" "values"
        Expect.equal (trace["zmin"].GetValue<float>(), trace["zmax"].GetValue<float>()) (0.0, 1.0) "range"
        Expect.equal (trace["colorscale"].ToJsonString()) """[[0,"#000000"],[1,"#ffffff"]]""" "colours"
        Expect.equal (text figure.Layout["yaxis"].["autorange"]) "reversed" "rows from the top"
        Expect.equal (text figure.Layout["xaxis"].["type"]) "category" "modules are names")
]

[<Tests>]
let tests = testList "figure" [ testList "toy" toy; testList "controllers" controllers ]
