using ModNet.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A <see cref="Predictor"/> in the making: every layer adds its own steps, one after the other, with copies of its weights in float32.
/// </summary>
internal sealed class RowPlan(Selector selector)
{
    private readonly List<RowStep> _steps = [];
    private readonly List<RowChoices> _chosen = [];
    private int _values;

    /// <summary>The layer whose steps are added, for messages.</summary>
    internal string Layer { get; private set; } = "input";

    /// <summary>The steps so far.</summary>
    internal IReadOnlyList<RowStep> Steps => _steps;

    /// <summary>The choices of the sites so far, in order.</summary>
    internal IReadOnlyList<RowChoices> Chosen => _chosen;

    /// <summary>How many multiply-adds the steps so far do for a row.</summary>
    internal long MultiplyAdds { get; private set; }

    /// <summary>Buffers for a call.</summary>
    internal RowMemory Memory() => new(_values, _chosen.Count);

    /// <summary>What is said of a layer that is not covered.</summary>
    internal UserException Refusal(string what) => new(
        Layer, "layers that run without libtorch's tensors: linear, activation, norms, dropout, flatten, residual, branches, coupling, and modular with linear modules",
        what, "ask the trained network itself, whose Predict runs every layer");

    /// <summary>A new value of this shape.</summary>
    internal RowValue New(params long[] row) => new(_values++, row);

    /// <summary>Adds the steps of a node.</summary>
    internal RowValue Run(Node node, RowValue x)
    {
        string before = Layer;
        Layer = node.Name;
        RowValue y = node.ToRows(this, x);
        Layer = before;
        return y;
    }

    /// <summary>A linear map with its activation: vectors [in] → [out].</summary>
    internal RowValue Linear(RowValue x, Tensor weight, Tensor? bias, Activation activation)
    {
        if (x.Row.Length != 1)
        {
            throw Refusal($"a linear map of {x.Row.AsShape()}");
        }

        return Modules(x, null, weight.unsqueeze(0), bias?.unsqueeze(0), activation);
    }

    /// <summary>Chosen linear modules with their activation: vectors [in] → [K·out], their outputs side by side.</summary>
    internal RowValue Modules(RowValue x, RowChoices? choices, Tensor weight, Tensor? bias, Activation activation)
    {
        int choose = choices?.Choose ?? 1;
        var size = new ModularLinearSize(1, (int)weight.shape[2], (int)weight.shape[1], (int)weight.shape[0], choose)
        {
            Relu = activation == Activation.Relu,
        };
        RowValue y = New((long)choose * size.Outputs);
        MultiplyAdds += (long)choose * size.Inputs * size.Outputs;
        _steps.Add(new LinearStep(x, choices, y, Floats(weight), bias is null ? [] : Floats(bias), size, activation));
        return y;
    }

    /// <summary>The choices of a site from its logits [K·M].</summary>
    internal RowChoices Choose(RowValue logits, int choose)
    {
        var choices = new RowChoices(_chosen.Count, choose);
        _chosen.Add(choices);
        switch (selector)
        {
            case ModeSelector:
                _steps.Add(new ModeStep(logits, choices));
                break;
            case SameModulesSelector:
                using (NewDisposeScope())
                {
                    int modules = logits.Width / choose;
                    Selection same = selector.Select(new(Layer, 0, 0, choose, modules), ChoiceDistribution.FromLogits(zeros(1, choose, modules)));
                    _steps.Add(new SameStep(TensorArrays.Vector<long>(same.Indices), choices));
                }

                break;
            default:
                throw Refusal($"a choice by {selector.GetType().Name}");
        }

        return choices;
    }

    /// <summary>The sum of K outputs of width <paramref name="width"/> that lie side by side.</summary>
    internal RowValue Sum(RowValue outputs, RowChoices choices, int width, Duplicates duplicates)
    {
        RowValue y = New(width);
        _steps.Add(new SumStep(outputs, choices, y, duplicates));
        return y;
    }

    /// <summary>A nonlinearity.</summary>
    internal RowValue Apply(RowValue x, Activation activation)
    {
        if (activation.TakesRows && x.Row.Length > 1)
        {
            throw Refusal($"{activation} of images");
        }

        RowValue y = New(x.Row);
        _steps.Add(new ActivationStep(x, y, activation));
        return y;
    }

    /// <summary>x·scale + shift; each has a number for every value of a row, or for every channel of an image.</summary>
    internal RowValue Scale(RowValue x, Tensor scale, Tensor shift)
    {
        RowValue y = New(x.Row);
        _steps.Add(new ScaleStep(x, y, Spread(scale, x.Width), Spread(shift, x.Width)));
        return y;
    }

    /// <summary>Mean 0 and variance 1 in every row.</summary>
    internal RowValue Normalise(RowValue x)
    {
        RowValue y = New(x.Row);
        _steps.Add(new NormaliseStep(x, y));
        return y;
    }

    /// <summary>a + b, or a − b.</summary>
    internal RowValue Add(RowValue a, RowValue b, bool subtracts = false)
    {
        RowValue y = New(a.Row);
        _steps.Add(new AddStep(a, b, y, subtracts));
        return y;
    }

    /// <summary>Values one behind the other, along the features of vectors or the channels of images.</summary>
    internal RowValue Concat(params RowValue[] parts)
    {
        RowValue y = New([parts.Sum(p => p.Row[0]), .. parts[0].Row[1..]]);
        int at = 0;
        foreach (RowValue part in parts)
        {
            _steps.Add(new CopyStep(part, 0, part.Width, y, at));
            at += part.Width;
        }

        return y;
    }

    /// <summary>Some of the features, or of an image's channels, from the given one on.</summary>
    internal RowValue Part(RowValue x, int first, int width)
    {
        RowValue y = New([width, .. x.Row[1..]]);
        _steps.Add(new CopyStep(x, first * (x.Width / (int)x.Row[0]), y.Width, y, 0));
        return y;
    }

    private static float[] Floats(Tensor values)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return TensorSpans.Floats(values.detach().to(CPU).to_type(ScalarType.Float32).contiguous()).ToArray();
    }

    // A number for every channel becomes one for every value of it.
    private static float[] Spread(Tensor values, int width)
    {
        float[] each = Floats(values);
        int times = width / each.Length;
        return [.. each.SelectMany(value => Enumerable.Repeat(value, times))];
    }
}
