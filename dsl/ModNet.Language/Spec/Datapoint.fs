namespace ModNet

/// A datapoint that a generator draws.
type Datapoint = internal {
    /// x: as many values as its shape has, an image's channel by channel, row by row.
    X: float32 array
    Y: DrawnTarget
    TaskId: int option
    Choices: int array
}

and internal DrawnTarget =
    | Class of int
    | Numbers of float32 array

/// How a generator's function says a datapoint.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Datapoint =

    let private make x y = { X = x; Y = y; TaskId = None; Choices = [||] }

    /// x and its class, from 0.
    /// Example: `Datapoint.labelled [| 0.5f; 0.1f |] 1`
    let labelled (x: float32 array) (label: int) : Datapoint = make x (Class label)

    /// x and y.
    /// Example: `Datapoint.valued [| 0.5f |] [| 0.25f |]`
    let valued (x: float32 array) (y: float32 array) : Datapoint = make x (Numbers y)

    /// The same with a task id, from 0.
    /// Example: `Datapoint.labelled [| 0.5f |] 1 |> Datapoint.task 3`
    let task (id: int) (datapoint: Datapoint) : Datapoint = { datapoint with TaskId = Some id }

    /// The same with the choices of layers whose controller is `Given`, modules from 0.
    /// Example: `Datapoint.labelled [| 0.5f |] 1 |> Datapoint.given [| 0 |]`
    let given (choices: int array) (datapoint: Datapoint) : Datapoint = { datapoint with Choices = choices }
