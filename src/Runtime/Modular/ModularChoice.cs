using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What modular nodes share: a controller that chooses from a pool, and how the chosen modules are run and combined.</summary>
internal sealed class ModularChoice
{
    /// <summary>ArgumentException where the parts do not fit. The language's check reports the same earlier; this guards graphs built by hand.</summary>
    internal ModularChoice(
        string layer,
        Controller controller,
        ModulePool pool,
        Combine combine,
        Dispatch dispatch,
        Duplicates duplicates,
        bool stopGradient,
        int context)
    {
        if (controller.Modules != pool.Count)
        {
            throw new ArgumentException(
                $"{layer}: expected a controller over the {pool.Count} modules of pool {pool.Name}, "
                + $"got one over {controller.Modules} – build it with the pool's count");
        }

        if (duplicates == Duplicates.Once && combine != Combine.Sum)
        {
            throw new ArgumentException(
                $"{layer}: expected combination by Sum with Duplicates.Once, got {combine} – only a sum can leave a position out");
        }

        dispatch.Check(layer, pool);
        controller.Layer = layer;
        (Controller, Pool, Combine, Dispatch, Duplicates, StopGradient, Context) =
            (controller, pool, combine, dispatch, duplicates, stopGradient, context);
    }

    internal Controller Controller { get; }

    internal ModulePool Pool { get; }

    internal Combine Combine { get; }

    internal Dispatch Dispatch { get; }

    internal Duplicates Duplicates { get; }

    /// <summary>Whether the controller's loss does not reach earlier layers.</summary>
    internal bool StopGradient { get; }

    /// <summary>How many of the last features of a row are for the controller alone.</summary>
    internal int Context { get; }

    /// <summary>What the controller reads of B datapoints beside x, [B] or [B, …]; null where it reads x alone.</summary>
    internal Tensor? Beside(Route route, long datapoints) => Controller.Beside(route, datapoints);

    /// <summary>p(a|x) of rows x [n, …], with <paramref name="beside"/> row by row.</summary>
    internal ChoiceDistribution Distribution(Tensor x, Tensor? beside) =>
        Controller.Distribution(StopGradient ? x.detach() : x, beside);

    /// <summary>Runs the chosen modules on rows x [n, …in] and combines their outputs → [n, …out].</summary>
    internal Tensor Run(Route route, Tensor x, Selection selection)
    {
        x = ForModules(x);
        (long rows, long positions) = (x.shape[0], selection.Indices.shape[1]);
        Pool.Heard?.Invoke(x, selection.Indices);
        using Products.Multiplying products = Products.In(Pool.Precision);
        Dispatch dispatch = Dispatch.For(Pool, x, route.FullBatch.Rows(rows), positions);
        return Combined(dispatch, x, selection, dispatch.Run(Pool, x, selection.Indices));
    }

    /// <summary>The same with several selections per row: the first selections of all rows come first → [times·n, …out].</summary>
    internal Tensor RunSeveral(Route route, Tensor x, Selection selection, int times)
    {
        x = ForModules(x);
        (long rows, long positions) = (x.shape[0], selection.Indices.shape[1]);
        using Products.Multiplying products = Products.In(Pool.Precision);
        Dispatch dispatch = Dispatch.For(
            Pool, x, route.FullBatch.RowsOfDatapoints(rows), route.FullBatch.Positions(times * positions));
        return Combined(dispatch, x, selection, dispatch.RunSeveral(Pool, x, selection.Indices, times));
    }

    /// <summary>
    /// The same for the distinct rows of an E-step's candidates, where <paramref name="selection"/> is of all: x [d, …in] of rows that were the same before the
    /// choice → [d', …out] of those that are the same after it.
    /// </summary>
    internal Tensor RunApart(Route route, Tensor x, Selection selection, DistinctRows before, DistinctRows after)
    {
        x = ForModules(x);
        long positions = selection.Indices.shape[1];
        // How many rows are the same is not asked, so that a chunk decides as the full batch does.
        FullBatch full = route.FullBatch;
        using Products.Multiplying products = Products.In(Pool.Precision);
        Dispatch dispatch = before.Unchosen
            ? Dispatch.For(Pool, x, full.RowsOfDatapoints(before.Count), full.Positions(before.Candidates * positions))
            : Dispatch.For(Pool, x, full.Rows(before.All), positions);
        return Combined(dispatch, x, selection.Map(after.Pick), dispatch.RunApart(Pool, x, selection.Indices, before, after));
    }

    /// <summary>Notes which modules run, where a gradient will come back to them and the pool tracks its modules in use.</summary>
    internal void Use(Tensor indices)
    {
        if (is_grad_enabled())
        {
            Pool.InUse?.Add(indices);
            Pool.Factors?.Use();
        }
    }

    /// <summary>Adds the choice and the chosen modules to a <see cref="Predictor"/>.</summary>
    internal RowValue ToRows(RowPlan plan, RowValue x)
    {
        if (Pool is not LinearPool linear || x.Row.Length != 1)
        {
            throw plan.Refusal($"modules of pool {Pool.Name}, a {Pool.GetType().Name}, on rows {x.Row.AsShape()}");
        }

        RowChoices choices = plan.Choose(Controller.ToRows(plan, x), Controller.Choose);
        RowValue read = Context == 0 ? x : plan.Part(x, 0, x.Width - Context);
        RowValue outputs = plan.Modules(read, choices, linear.Weight, linear.Bias, linear.Activation);
        return Combine == Combine.Concat || Controller.Choose == 1 ? outputs : plan.Sum(outputs, choices, linear.Outputs, Duplicates);
    }

    /// <summary>Adds the chosen modules to an ONNX graph: rows x [n, …in], modules [n, K] → [n, …out].</summary>
    internal OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue modules)
    {
        x = Context == 0 ? x : onnx.Features(x, 0, x.Row[0] - Context);
        OnnxValue each = onnx.Add("Unsqueeze", [1, .. x.Row], [x, onnx.Numbers(1)]);
        OnnxValue outputs = onnx.InPool(() => Pool.ToOnnx(onnx, each, Pool.GathersInOnnx ? modules : null));
        long choose = modules.Row[0];
        if (!Pool.GathersInOnnx)
        {
            OnnxValue places = onnx.Add("Unsqueeze", [choose, 1], [modules, onnx.Numbers(-1)]);
            outputs = onnx.Add("GatherND", [choose, .. outputs.Row[1..]], [outputs, places], ("batch_dims", 1L));
        }
        else if (outputs.Row[0] != choose)
        {
            // Modules without weights are all the same.
            long[] row = [choose, .. outputs.Row[1..]];
            outputs = onnx.Add("Expand", row, [outputs, onnx.Numbers([1, .. row])]);
        }

        return Combine.ToOnnx(onnx, Duplicates.ToOnnx(onnx, outputs, modules));
    }

    // What the modules read of rows x [n, in].
    private Tensor ForModules(Tensor x) => Context == 0 ? x : x.narrow(1, 0, x.shape[1] - Context);

    // Combines the outputs [n, K, …out] of the selection's rows.
    private Tensor Combined(Dispatch dispatch, Tensor x, Selection selection, Tensor outputs)
    {
        long positions = selection.Indices.shape[1];
        if (Combine == Combine.Concat && positions != Controller.Choose)
        {
            throw new UserException(
                $"{Controller.Layer}/combine",
                $"Sum where {positions} modules run instead of K = {Controller.Choose}",
                $"{Combine}",
                "combine by Sum, or train by another method");
        }

        Use(selection.Indices);
        Footprint.Current?.Pass(dispatch.Holds(Pool, x.numel(), positions, outputs.numel()));
        return Combine.Apply(outputs, Duplicates.Weights(selection, outputs.dtype));
    }
}
