using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How the next token of a text is drawn from p(y|x, a).</summary>
/// <param name="Temperature">p^(1/T), normalised, is what tokens are drawn from: 1 is p itself, and 0 takes the most probable token.</param>
/// <param name="TopK">Only so many of the most probable tokens are drawn from; null draws from all.</param>
/// <param name="Seed">What the draws come from: the same seed gives the same text.</param>
public sealed record SamplingSettings(double Temperature = 1, int? TopK = null, long Seed = 1);

/// <summary>
/// Goes on with a text, token by token. Recurrent layers carry their state from token to token, so a token costs the same wherever it stands.
/// A network with layers that look at a whole window, such as self-attention, reads the last window of tokens anew for every token; so does one with custom layers, of
/// which nobody knows what they look at.
/// </summary>
public sealed class TextSampler
{
    private readonly Graph _graph;
    private readonly Selector _selector;
    private readonly Device _device;
    private readonly int _window;
    private readonly bool _carries;

    /// <summary>Samples from a graph on token ids; <paramref name="window"/> is T, the number of steps in a datapoint that it learned from.</summary>
    public TextSampler(Graph graph, Selector selector, Device device, int window)
    {
        (_graph, _selector, _device, _window) = (graph, selector, device, window);
        _carries = !graph.modules().Any(module => module is Node { ReadsWholeWindow: true });
    }

    /// <summary>
    /// The tokens after <paramref name="prompt"/>, one at a time and without end. ArgumentException for an empty prompt or settings that are
    /// out of range.
    /// </summary>
    public IEnumerable<int> Continue(IReadOnlyList<int> prompt, SamplingSettings settings)
    {
        if (prompt.Count == 0)
        {
            throw new ArgumentException("expected at least one token to go on from, got none", nameof(prompt));
        }

        if (!(settings.Temperature >= 0) || double.IsInfinity(settings.Temperature) || settings.TopK < 1)
        {
            throw new ArgumentException(
                "expected a temperature of at least 0 and a TopK of at least 1, got "
                + FormattableString.Invariant($"{settings.Temperature} and {settings.TopK}"), nameof(settings));
        }

        return Draws(prompt, settings);
    }

    private IEnumerable<int> Draws(IReadOnlyList<int> prompt, SamplingSettings settings)
    {
        using var carried = new RecurrentState();
        using var streams = new RandomStreams(settings.Seed);
        List<int> read = [.. prompt];
        // What the network has not seen yet.
        IEnumerable<int> next = prompt;
        while (true)
        {
            double[] log = _carries ? LastStep(next, carried) : LastStep(read.TakeLast(_window), null);
            int token = Draw(log, settings, streams);
            yield return token;
            next = [token];
            if (!_carries)
            {
                read.Add(token);
            }
        }
    }

    // log p of the token after these, in double precision.
    private double[] LastStep(IEnumerable<int> tokens, RecurrentState? carried) => _graph.InEvaluation(() =>
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(tokens.Select(t => (long)t).ToArray()).view(1, -1).to(_device);
        Tensor features = _graph.Forward(x, _selector, null, carried).Features;
        Tensor last = features.select(1, features.shape[1] - 1);
        return TensorArrays.Vector<double>(_graph.Head.LogProbabilities(last)!.to_type(ScalarType.Float64));
    });

    private static int Draw(double[] log, SamplingSettings settings, RandomStreams streams)
    {
        // The most probable first; of equals, the lower id.
        int[] order = [.. Enumerable.Range(0, log.Length).OrderByDescending(t => log[t]).ThenBy(t => t).Take(settings.TopK ?? log.Length)];
        if (settings.Temperature == 0 || order.Length == 1)
        {
            return order[0];
        }

        // Relative to the most probable token, no exponential overflows.
        double[] weights = [.. order.Select(t => Math.Exp((log[t] - log[order[0]]) / settings.Temperature))];
        using Tensor uniform = rand(1, dtype: ScalarType.Float64, generator: streams["sample"]);
        double left = uniform.ToDouble() * weights.Sum();
        for (int i = 0; i < order.Length; i++)
        {
            left -= weights[i];
            if (left < 0)
            {
                return order[i];
            }
        }

        // Only rounding leads here.
        return order[Array.FindLastIndex(weights, w => w > 0)];
    }
}
