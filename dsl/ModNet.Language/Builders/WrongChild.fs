namespace ModNet

/// What the compiler says where something stands in a block that does not belong there.
/// The builders carry, beside the real members, ones that take anything and are errors to call:
/// without them the compiler would speak of missing `For` and `Yield` methods, or only warn.
module internal WrongChild =

    [<Literal>]
    let Code = 10001

    [<Literal>]
    let Layers =
        "This is not a layer. A network, chain, block, residual or repeat holds: tokens, features, image, tasks, embed, linear, conv, max_pool, avg_pool, flatten, activation, dropout, layer_norm, batch_norm, activity_l1, gru, modular, modular_gru, residual, sum_of, concat_of, repeat, block, chain, mlp, custom, softmax, categorical, gaussian, bernoulli, and `for` and `if` around them. `relu` and its like follow a pipe: `linear 8 |> relu`; by itself it is `activation Relu`."

    [<Literal>]
    let Branches =
        "This is not a branch. sum_of, concat_of and mixed hold layers, and chain { … } where a branch or module has several, and `for` and `if` around them. `relu` and its like follow a pipe: `linear 8 |> relu`; by itself it is `activation Relu`."

    [<Literal>]
    let Pool =
        "This is not a setting of a pool. A pool has: modules, unit, init, each said once, without `for` or `if`."

    [<Literal>]
    let Unit =
        "This is not what a module can be. A unit is: a layer such as `linear 8`, a chain { … } or mlp [ … ] of several, a custom module, or mixed { … }, which says the modules one by one."

    [<Literal>]
    let From =
        "This is not a pool. `from` takes a shared pool, such as `let words = pool \"words\" { … }` makes; a pool of the layer's own is said by `modules` and `unit`."

    [<Literal>]
    let Modular =
        "This is not a setting of a modular layer. It has: from (a shared pool) or modules, unit and init (a pool of its own), choose, combine, controller, duplicates, stop_gradient, dispatch; modular_gru has hidden too. Each is said once, without `for` or `if`."

    [<Literal>]
    let Custom =
        "This is not a setting of a custom module. It has: reads, gives, multiply_adds, and either parameters and from_module, or weight (as often as there are any) and from_function, without `for` or `if`."

    [<Literal>]
    let IncompleteCustom =
        "A custom module needs `reads`, `gives`, and either `from_module` or `from_function`; one of them is missing here."

    [<Literal>]
    let ModulesAfterFrom =
        "This layer has taken its pool with `from`, modules, unit and init included. Say either `from`, or `modules`, `unit` and `init`."

    [<Literal>]
    let FromAfterModules = "This layer has a pool already. Say either `from`, once, or `modules`, `unit` and `init`."

    [<Literal>]
    let Em =
        "This is not a setting of em. It has: samples, m_steps, batch, e_batch, steps, optimizer, unselected, schedule, controller_weight, start, held, each said once, without `for` or `if`."

    [<Literal>]
    let Rivals =
        "This is not a setting of this training method. Every one has: batch, steps, optimizer, unselected, schedule; reinforce has decay too, and noisy_topk k, importance and load; each is said once, without `for` or `if`."

    [<Literal>]
    let Text = "This is not a setting of text. It has: window, vocabulary, each said once, without `for` or `if`."

    [<Literal>]
    let ToyRegression =
        "This is not a setting of toy_regression. It has: dimensions, points, held_out, separation, spread, seed_offset, each said once, without `for` or `if`."

    [<Literal>]
    let Csv =
        "This is not a setting of csv. It has: target or targets, classes, features, task, header, separator, standardise, held_out, test, split_seed, each said once, without `for` or `if`."

    [<Literal>]
    let Images =
        "This is not a setting of mnist or cifar10. They have: held_out, standardise, split_seed, each said once, without `for` or `if`."

    [<Literal>]
    let InMemory =
        "This is not a setting of in_memory. It has: inputs, classes or values, tasks, given, held_out, test, split_seed, each said once, without `for` or `if`."

    [<Literal>]
    let IncompleteInMemory =
        "Arrays in memory need `inputs`, and either `classes` or `values`; one of them is missing here."

    [<Literal>]
    let Generated =
        "This is not a setting of generated. It has: features or image, classes or values, tasks, given, points, held_out, test, seed_offset, draw, each said once, without `for` or `if`."

    [<Literal>]
    let IncompleteGenerated =
        "Generated data need `features` or `image`, `classes` or `values`, and `draw`; one of them is missing here."

    [<Literal>]
    let Experiment =
        "This is not a setting of an experiment. It has: net, data, train, seed, device, log_every, validate_every, checkpoint_every, keep_checkpoints, trace_every, trace_rows, trace_at_end, out, each said once, without `for` or `if`."

    [<Literal>]
    let IncompleteExperiment =
        "An experiment needs all three of `net`, `data` and `train`; one of them is missing here."

    [<Literal>]
    let Row =
        "This is not a setting of a row. It has: label, paper, paper_of, paper_says, seeds, run, without `for` or `if`."

    [<Literal>]
    let IncompleteRow =
        "A row needs `run`, a function from the scale (full or quick) to an experiment; it is missing here."

    [<Literal>]
    let Study =
        "This is not a setting of a study. It has: title, rows (a list), measure, runs_of, logs_suffice, data_folder, report, without `for` or `if`."
