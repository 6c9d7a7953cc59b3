using ModNet.Kernels;
using ModNet.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>
/// The language model's M-step as one would write it without a graph, selectors or a tape, on the same kernels and the same optimiser; with
/// the chance of the same seed it takes the same steps. K = 1.
/// </summary>
public sealed class HandWrittenMStep : IDisposable
{
    private readonly PtbModel _model;
    private readonly RandomStreams _streams;
    private readonly MinibatchSampler _batches;
    private readonly Assignments _assignments;
    private readonly OptimizerHelper _adam;
    private readonly Dictionary<string, Tensor> _weights;
    private readonly ModularGruSize _size;

    /// <summary>On a model of its own, whose graph and training it leaves alone.</summary>
    public HandWrittenMStep(PtbModel model, long seed = 1)
    {
        PtbSizes sizes = model.Sizes;
        _model = model;
        _streams = new(seed);
        _batches = new(model.Data.Count, sizes.Batch, _streams.MBatches);
        int[] modules = [.. Enumerable.Repeat(sizes.Modules, sizes.Window)];
        _assignments = Assignments.Uniform(model.Data.Count, modules, _streams.Assignments);
        _weights = PtbModel.Names.ToDictionary(name => name, model.Parameter);
        _adam = new AdamKind(sizes.Rate).Over(model.Graph.parameters());
        _size = new(sizes.Batch, sizes.Window, sizes.Embed, sizes.Hidden, sizes.Modules, 1) { ReluInside = true };
    }

    /// <summary>A gradient step (Eq. 8).</summary>
    public void Run()
    {
        using var scope = NewDisposeScope();
        using Tensor picked = _batches.Next();
        long rows = picked.shape[0];
        ModularGruSize size = _size with { Rows = (int)rows };
        Tensor held = _assignments.Get(TensorArrays.Vector<long>(picked)).view(rows, size.Steps, 1);
        Tensor words = _model.Data.Inputs.index_select(0, picked);
        Tensor targets = _model.Data.Targets.index_select(0, picked);
        Tensor x = _weights["embedding"].index_select(0, words.view(-1)).view(rows, size.Steps, size.Inputs);
        ModularGruOutputs gru = FusedModularGru.Run(
            new(
                x,
                null,
                _weights["gate_weight"],
                _weights["gate_bias"],
                _weights["controller_weight"],
                _weights["controller_bias"],
                _weights["module_weight"],
                _weights["module_bias"],
                null),
            size,
            new(held));
        Tensor logLikelihood = FusedCrossEntropy.Mean(
            gru.States.view(-1, size.Hidden),
            _weights["head_weight"],
            _weights["head_bias"],
            targets.view(-1),
            rows,
            empty(rows * size.Steps, dtype: ScalarType.Float32));
        Tensor logChoice = gru.LogProbabilities.gather(3, held.unsqueeze(-1)).sum() / rows;
        Tensor loss = -(logLikelihood + logChoice);
        _adam.zero_grad();
        loss.backward();
        _adam.step();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _adam.Dispose();
        _batches.Dispose();
        _streams.Dispose();
    }
}
