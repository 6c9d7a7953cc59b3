/// What the Torch tests share: doubles in and out, and the difference quotient.
module ModNet.Tests.TorchSupport

open System
open Expecto
open TorchSharp

let doubles (values: float list) = torch.tensor (List.toArray values)

let matrix rows columns (values: float list) =
    (doubles values).reshape(int64 rows, int64 columns)

/// The elements in row-major order, as doubles.
let values (t: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    t.detach().cpu().to_type(torch.float64).contiguous().data<float>().ToArray()

let close (tolerance: float) (actual: float seq) (expected: float seq) message =
    let actual, expected = Seq.toArray actual, Seq.toArray expected
    Expect.equal actual.Length expected.Length $"{message}: count"

    for i in 0 .. actual.Length - 1 do
        let bound = tolerance * (1.0 + abs expected[i])

        if not (abs (actual[i] - expected[i]) <= bound) then
            failtestf "%s: element %d is %g, expected %g" message i actual[i] expected[i]

let closeTo actual expected message = close 1e-12 actual expected message

/// Everything made in the test is disposed with it.
let scoped name body =
    testCase name (fun () ->
        use scope = torch.NewDisposeScope()
        body ())

/// d(sum of f)/dx by central differences, element by element, in double.
let differences (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
    let step = 1e-6
    let at = values x
    let shape = x.shape

    let total (point: float[]) =
        use scope = torch.NewDisposeScope()
        (f (torch.tensor(point).reshape shape)).sum().ToDouble()

    Array.init at.Length (fun i ->
        let shifted by =
            total (Array.mapi (fun j v -> if i = j then v + by else v) at)

        (shifted step - shifted -step) / (2.0 * step))

/// The gradient that autograd gives for the sum of f.
let gradient (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
    let leaf = x.detach().clone().requires_grad_ true
    (f leaf).sum().backward()
    values leaf.grad

/// Uniform doubles in [low, high), from a fixed seed.
let uniform seed (shape: int64 list) (low: float) (high: float) =
    use generator = new torch.Generator(uint64 seed)
    torch.empty(List.toArray shape, torch.float64).uniform_(low, high, generator)

let messageOf (code: unit -> unit) =
    try
        code ()
        failtest "expected an exception, got none"
    with
    | :? AssertException -> reraise ()
    | e -> e.GetType(), e.Message
