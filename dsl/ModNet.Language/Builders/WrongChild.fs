namespace ModNet

/// What the compiler says where something stands in a block that does not belong there.
/// The builders carry, beside the real members, ones that take anything and are errors to call:
/// without them the compiler would speak of missing `For` and `Yield` methods, or only warn.
module internal WrongChild =

    [<Literal>]
    let Code = 10001

    [<Literal>]
    let Layers =
        "This is not a layer. A network, chain, block, residual, coupling or repeat holds: "
        + LayerWords.All
        + ", and `for` and `if` around them. `relu` and its like follow a pipe: `linear 8 |> relu`; by itself it is `activation Relu`."

    [<Literal>]
    let Branches =
        "This is not a branch. sum_of, concat_of and mixed hold layers, and chain { … } where a branch or module has several, and `for` and `if` around them. `relu` and its like follow a pipe: `linear 8 |> relu`; by itself it is `activation Relu`."

    [<Literal>]
    let Unit =
        "This is not what a module can be. A unit is: a layer such as `linear 8`, a chain { … } or mlp [ … ] of several, a custom module, or mixed { … }, which says the modules one by one."

    [<Literal>]
    let From =
        "This is not a pool. `from` takes a shared pool, such as `let words = pool \"words\" { … }` makes; a pool of the layer's own is said by `modules` and `unit`."

    [<Literal>]
    let ModulesAfterFrom =
        "This layer has taken its pool with `from`, modules, unit and init included. Say either `from`, or `modules`, `unit` and `init`."

    [<Literal>]
    let FromAfterModules = "This layer has a pool already. Say either `from`, once, or `modules`, `unit` and `init`."
