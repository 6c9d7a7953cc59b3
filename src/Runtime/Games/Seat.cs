using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>One of the N networks of a player's name, with random streams of its own, and an optimiser of its own if it ever takes a turn.</summary>
internal sealed class Seat : IDisposable
{
    private readonly Parameter[] _trained;
    private readonly Tensor[] _buffers;

    /// <summary>Takes the graph and the streams over. <paramref name="number"/> is which of the N it is.</summary>
    internal Seat(PlayerPlan plan, int number, Graph graph, RandomStreams streams, Dataset data, Device device, bool takesTurns)
    {
        (Plan, Number, Graph, Streams) = (plan, number, graph, streams);
        if (plan.TopK is not null)
        {
            NoisyTopK.AddNoise(graph);
        }

        _trained = [.. graph.parameters().Where(p => p.requires_grad)];
        _buffers = [.. graph.buffers()];
        Member = takesTurns ? new(graph, data, plan.Gradient, streams, device) : null;
        Watch(false);
    }

    internal PlayerPlan Plan { get; }

    internal int Number { get; }

    internal Graph Graph { get; }

    internal RandomStreams Streams { get; }

    /// <summary>What trains the network; null for one that never does.</summary>
    internal Member? Member { get; }

    /// <summary>The name in checkpoints, with a dot behind it.</summary>
    internal string Prefix => $"players.{StateNames.Registered(Plan.Name)}.{Number}.";

    /// <summary>How the network chooses modules in a gradient step.</summary>
    internal Selector Training => Plan.TopK is int k ? new NoisyTopKSelector(k, Streams.Noise) : new FirstSelector();

    /// <summary>How it does so in evaluation.</summary>
    internal Selector Evaluating => Plan.TopK is int k ? new NoisyTopKSelector(k) : new FirstSelector();

    /// <summary>Whether gradients of the network's own parameters are wanted.</summary>
    internal void Watch(bool wanted) => Array.ForEach(_trained, p => p.requires_grad = wanted);

    /// <summary>The running averages and the like as they are now, to be put back by <see cref="PutBack"/>.</summary>
    internal Tensor[] Kept() => [.. _buffers.Select(b => b.clone())];

    /// <summary>Puts running averages back.</summary>
    internal void PutBack(Tensor[] kept)
    {
        using var noGrad = no_grad();
        foreach ((Tensor buffer, Tensor value) in _buffers.Zip(kept))
        {
            buffer.copy_(value);
        }
    }

    public void Dispose()
    {
        Member?.Dispose();
        Graph.Dispose();
        Streams.Dispose();
    }
}

/// <summary>The gradient steps of one network of a game: the loss is that of the turn that it is given.</summary>
internal sealed class Member(Graph graph, Dataset data, GradientSettings settings, RandomStreams streams, Device device)
    : TrainingMethod(graph, data, settings, streams, device)
{
    /// <summary>The loss of the next step, on a minibatch.</summary>
    internal Func<Batch, MinibatchLoss>? Loss { get; set; }

    /// <summary>Runs the network on what it reads as a plain run does: a pass whose boundaries see the targets.</summary>
    internal GraphOutput Pass(Batch batch, Selector selector) => Forward(batch, selector);

    /// <summary>The mean log-likelihood with its labels smoothed.</summary>
    internal Tensor SmoothedLikelihood(Tensor logLikelihood, GraphOutput output, Batch batch) => Smoothed(logLikelihood, output, batch);

    /// <inheritdoc/>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch) => Loss!(batch);
}
