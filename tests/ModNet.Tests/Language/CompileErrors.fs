/// Scripts with something in a block that does not belong there, and what the compiler must say of them.
module ModNet.Tests.CompileErrors

let private layer = "This is not a layer. A network, chain, block, residual, coupling or repeat holds: "

let private branch = "This is not a branch. sum_of, concat_of and mixed hold layers, and chain { … }"

let private setting =
    "This is not a setting of this block. A block of settings has its own settings, each said once"

let private incomplete = "A custom module needs `reads`, `gives`, and either `from_module` or `from_function`"

let private unit = "This is not what a module can be. A unit is: a layer such as `linear 8`,"

let private from = "This is not a pool. `from` takes a shared pool,"

let private fromAndOwn = "This layer has taken its pool with `from`, modules, unit and init included."

let private ownAndFrom =
    "This layer has a pool already. Say either `from`, once, or `modules`, `unit` and `init`."

let private noActivation kind =
    $"'ActivationLayer.relu' does not support the type '{kind}', because the latter lacks the required (real or built-in) member 'WithActivation'"

let private mistyped wanted given =
    $"This expression was expected to have type\n    '{wanted}'    \nbut here has type\n    '{given}'"

let private blocks = [
    "network \"n\" { tokens 10; 5 }", layer
    "network \"n\" { tokens 10; words }", layer
    "network \"n\" { tokens 10; embed }", layer
    "network \"n\" { tokens 10; conv 3 }", layer
    "network \"n\" { tokens 10; relu }", layer
    "network \"n\" { features 2; [ linear 3; linear 4 ]; bernoulli }", layer
    "network \"n\" { features 2, linear 3 }", layer
    "network \"n\" { features 2; network \"m\" { linear 3 } }", layer
    "network \"n\" { features 2; mixed { linear 3 } }", layer
    "network \"n\" { features 2; repeat 3 }", layer
    "network \"n\" { for i in 1..3 do string i }", layer
    "network \"n\" { if true then words }", layer
    "chain { linear 3; 5 }", layer
    "residual { linear 3; words }", layer
    "repeat 3 { \"linear\" }", layer
    "block \"b\" { linear 3; modular }", layer
    "sum_of { linear 3; words }", branch
    "concat_of { [ linear 3; linear 4 ] }", branch
    "mixed { linear 3; 5 }", branch
    "mixed { for i in 1..3 do i }", branch
    "repeat { linear 3 }", "Invalid record, sequence or computation expression."
    "network \"n\" { let! x = 3 in linear x }", "defines a 'Bind' method"
]

let private pools = [
    "pool \"p\" { modules 3; linear 2 }", setting
    "pool \"p\" { linear 2; modules 3 }", setting
    "pool \"p\" { for m in 1..3 do modules m }", setting
    "pool \"p\" { modules 3; if true then unit (linear 3) }", setting
    "pool \"p\" { modules 3; unit 5 }", unit
    "pool \"p\" { unit relu }", unit
    "pool \"p\" { unit linear }", unit
    "pool \"p\" { unit words }", unit
    "pool \"p\" { unit [ linear 3 ] }", unit
    "pool \"p\" { modules \"3\" }", mistyped "int" "string"
    "pool \"p\" { init \"glorot\" }", mistyped "Init" "string"
    "pool \"p\" { choose 3 }", "The value or constructor 'choose' is not defined."
    "pool { modules 3 }", "Invalid record, sequence or computation expression."
]

let private modulars = [
    "modular { modules 2; relu }", setting
    "modular { linear 2 }", setting
    "modular { for k in 1..3 do choose k }", setting
    "modular { from words; if true then choose 3 }", setting
    "modular_gru { hidden 3; words }", setting
    "modular { modules 2; unit 5 }", unit
    "modular_gru { unit embed }", unit
    "modular { choose 2; from 3 }", from
    "modular { from \"words\" }", from
    "modular { from words; modules 3 }", fromAndOwn
    "modular { from words; choose 2; unit (linear 2) }", fromAndOwn
    "modular { from words; unit (mixed { linear 2 }) }", fromAndOwn
    "modular_gru { from words; init He }", fromAndOwn
    "modular { modules 3; from words }", ownAndFrom
    "modular { unit (linear 2); choose 2; from words }", ownAndFrom
    "modular_gru { from words; hidden 2; from words }", ownAndFrom
    "modular { choose 1; hidden 3 }", "The value or constructor 'hidden' is not defined."
    "modular { stop_gradient true }", "'stop_gradient' is used with an incorrect number of arguments."
    "modular { choose \"1\" }", mistyped "int" "string"
    "modular { combine \"sum\" }", mistyped "Combine" "string"
    "modular { controller \"linear\" }", mistyped "Controller" "string"
    "modular { duplicates true }", mistyped "Duplicates" "bool"
    "modular { dispatch \"wide\" }", mistyped "Dispatch" "string"
]

let private customs = [
    "custom \"c\" { reads (Shape.Vector 3); gives (Shape.Vector 3); linear 3 }", setting
    "custom \"c\" { for i in 1..3 do parameters 3L }", setting
    "custom \"c\" { }", incomplete
    "custom \"c\" { reads (Shape.Vector 3) }", incomplete
    "custom \"c\" { reads (Shape.Vector 3); gives (Shape.Vector 3) }", incomplete
    "custom \"c\" { gives (Shape.Vector 3); from_function (fun _ x -> x) }", incomplete
    "custom \"c\" { reads (Shape.Vector 3); from_function (fun _ x -> x) }", incomplete
    "custom \"c\" { reads 3 }", mistyped "Shape" "int"
    "custom \"c\" { from_module (fun () -> 5) }",
    "The type 'int' is not compatible with the type 'TorchSharp.torch.nn.Module<"
]

let private functions = [
    "embed 3 |> relu", noActivation "Layer"
    "flatten |> relu", noActivation "Layer"
    "words |> relu", noActivation "Pool"
    "mlp [ 3 ] |> relu", noActivation "Chain"
    "embed 3 |> no_bias",
    "does not support the type 'Layer', because the latter lacks the required (real or built-in) member 'WithoutBias'"
    "embed 3 |> tanh", "The type 'Layer' does not support the operator 'tanh'"
    "linear 3 |> stride 2", "LinearSpec"
    "gaussian 0.1", mistyped "Variance" "float"
    "softmax 3.0", mistyped "int" "float"
    "image (3, 32)", "Type mismatch. Expecting a tuple of length 3 of type"
    "around (linear 3)", mistyped "Chain" "LinearSpec"
]

let private experiments = [
    "em { samples 3; words }", setting
    "reinforce { decay 0.9; words }", setting
    "noisy_topk { words; k 3 }", setting
    "loss_free_topk { words; k 3 }", setting
    "static_modules { for i in 1..3 do steps i }", setting
    "text \"t\" { window 3; words }", setting
    "toy_regression { words; points 3 }", setting
    "csv \"x\" { target \"y\"; words }", setting
    "csv \"x\" { window 3 }", "window"
    "mnist \"d\" { held_out 5; words }", setting
    "cifar10 \"d\" { for i in 1..3 do held_out i }", setting
    "in_memory \"m\" { held_out 3 }", "Arrays in memory need `inputs`"
    "in_memory \"m\" { inputs (array2D [ [ 1.0f ] ]); words }", setting
    "generated \"g\" { features 2; classes 2 }", "Generated data need"
    "generated \"g\" { features 2; words }", setting
    "em { optimizer (Sgd 0.1) }", "float * float"
    "em { start Constant }", "Start"
    "experiment { net (network \"n\" { }); words }", setting
    "experiment { data (text \"t\" { }); train (em { }) }", "An experiment needs all three of"
]

/// Expressions, and what the compiler must say of each.
let private studies = [
    "row \"r\" { label \"l\" }", "A row needs `run`"
    "row \"r\" { run (fun _ -> experiment { net toy; data (toy_regression { }); train (em { }) }); words }", setting
    "row \"r\" { run 5 }", "Scale -> Experiment"
    "study \"s\" { words }", setting
    "study \"s\" { measure \"m\" (fun run -> run.Test.Perplexity.Value) }", "float option"
]

let wrong = blocks @ pools @ modulars @ customs @ functions @ experiments @ studies

/// Expressions of which the compiler must say nothing, and that run: whole networks and experiments on one line.
let right = [
    "network \"n\" { features 2; modular { modules 2; unit (linear 2 |> no_bias); choose 1 }; gaussian (variance 0.1) }"
    "network \"n\" { tokens 9; embed 2; modular_gru { hidden 8; from words }; if true then softmax 9 }"
    "network \"n\" { features 2; for width in [ 3; 4 ] do linear width |> relu }"
    "network \"n\" { features 2; let width = 3 in linear width }"
    "network \"n\" { features 2; match 3 with 3 -> linear 3 | _ -> conv 3 3 }"
    "network \"n\" { features 2; if true then linear 3 else activation Relu }"
    "around (chain { linear 3; conv 2 3; words |> fun pool -> modular { from pool } })"
    "[ for each in [ chain { linear 3 }; mlp [ 4; 3 ] ] -> modular { modules 2; unit each } ]"
    "(fun k -> modular { from words; choose k; combine Concat; stop_gradient }) 3"
    "experiment { net (network \"n\" { }); data (text \"t\" { window 3 }); train (em { steps 5; optimizer (Adam 1e-3) }); seed 1 }"
    "experiment { train (em { }); data (toy_regression { }); net (network \"n\" { }) }"
    "experiment { train (em { start Sweep; schedule (Warmup (5, Cosine)) }); data (mnist \"d\" { held_out 5 }); net (network \"n\" { }); device (Cuda 0); checkpoint_every 9; keep_checkpoints 3; trace_every 3; trace_rows 2; trace_at_end 4 }"
    "csv \"x\" { target \"y\"; classes 3; features [ \"a\"; \"b\" ]; held_out 0.2; test 0.2; separator Tab }"
    "in_memory \"m\" { inputs (array2D [ [ 1.0f ] ]); classes 2 [| 1 |]; tasks 2 [| 0 |]; given (array2D [ [ 0 ] ]) }"
    "generated \"g\" { features 1; values 1; draw (fun random -> Datapoint.valued [| random.NextSingle() |] [| 1.0f |]) }"
]

/// What they take to be there, beside what the examples of the documentation do.
let declarations = [ "let around (part: Chain) = network \"n\" { features 2; part; bernoulli }" ]
