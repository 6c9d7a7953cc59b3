namespace ModNet.Runtime;

/// <summary>An occasion on which the host reads values back from an accelerator, and so waits until the device has come to them.</summary>
/// <param name="Name">Its name in tests and in docs/accelerators.md.</param>
/// <param name="Reads">What is read, and how often.</param>
/// <param name="Why">Why the host needs it.</param>
/// <param name="Instead">What runs without this wait, or makes it rare.</param>
internal sealed record Wait(string Name, string Reads, string Why, string Instead)
{
    /// <summary>The dispatches that sort rows by module, or go row by row.</summary>
    internal static readonly Wait Choices = new(
        "choices",
        "the modules that were chosen, in every layer of every pass with dispatch `Grouped`, `Loop` or `Spread`",
        "the lengths of products, and the rank that has a module, are decided on the host",
        "`Auto` runs `Gather` or `Wide`, which read nothing back");

    /// <summary>Modules that rest (<see cref="Unselected.Rest"/>).</summary>
    internal static readonly Wait ModulesInUse = new(
        "modules in use",
        "the modules that were chosen, in every layer of a gradient step under `unselected Rest`",
        "the host counts the steps of every module, and updates those in use alone",
        "`unselected Drift`, the default");

    /// <summary>The end of an E-step.</summary>
    internal static readonly Wait EStepOutcome = new(
        "E-step outcome",
        "compositions and scores of all candidates, once in every part of an E-step that memory has room for",
        "assignments are held on the host, beside the data",
        "nothing: it is one read for as many candidates as fit into `EStepBytes`, and an E-step comes once in `m_steps` gradient steps");

    /// <summary>Numbers that are shown.</summary>
    internal static readonly Wait Report = new(
        "report",
        "losses, scores and counts, at every reported step (`log_every`) and at the end of an evaluation",
        "they are written to the log",
        "steps between reports; until then the numbers stay on the device");

    /// <summary>Losses and gradients that may not be finite.</summary>
    internal static readonly Wait Finiteness = new(
        "finiteness",
        "a number for every step since the last report, at a report, before a checkpoint, and once in 1,024 steps",
        "training stops at NaN and at infinities",
        "on the CPU every step is checked before it is taken; on an accelerator the steps go on until the next report");

    /// <summary>What is written to files.</summary>
    internal static readonly Wait Checkpoint = new(
        "checkpoint",
        "weights and optimiser memories, whenever a checkpoint is written",
        "they are written to a file",
        "fewer checkpoints (`checkpoint_every`)");

    /// <summary>Minibatches in shards.</summary>
    internal static readonly Wait Shards = new(
        "shards",
        "losses, gradients, loads and running averages, in every step of minibatches that are cut into shards",
        "sums over shards and ranks are made on the host, in a fixed order",
        "minibatches that are run whole, the default of one rank");

    /// <summary>Numbers that a program asks for.</summary>
    internal static readonly Wait Asked = new(
        "asked",
        "a number that a program asks for: a log-likelihood over datapoints, REINFORCE's average, the loss by which a task gets more modules, the modules that a growing pool keeps back",
        "the program wants it",
        "not asking");

    /// <summary>All occasions.</summary>
    internal static IReadOnlyList<Wait> All { get; } = [Choices, ModulesInUse, EStepOutcome, Report, Finiteness, Checkpoint, Shards, Asked];
}
