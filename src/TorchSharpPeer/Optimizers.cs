using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// The ways to update parameters by Adam. TorchSharp has no fused or foreach Adam, so beside its own there is one by hand that makes as few
/// passes over memory as libtorch's operators allow. One way's moments are kept at a time.
/// </summary>
internal sealed class Optimizers(IReadOnlyList<Parameter> parameters, double rate) : IDisposable
{
    /// <summary>The plainest first.</summary>
    internal static IReadOnlyList<string> Names { get; } = ["adam", "adam-in-place"];

    private string? _name;
    private optim.Optimizer? _own;
    private AdamInPlace? _inPlace;

    /// <summary>Takes a step down this loss's gradients, or down those that are there already where there is none.</summary>
    internal void Step(string name, Action backward)
    {
        if (_name != name)
        {
            Dispose();
            _name = name;
            if (name == "adam")
            {
                _own = optim.Adam(parameters, rate);
            }
            else
            {
                _inPlace = new(parameters, rate);
            }
        }

        foreach (Parameter parameter in parameters)
        {
            parameter.grad = null;
        }

        backward();
        _own?.step();
        _inPlace?.Step();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _own?.Dispose();
        _inPlace?.Dispose();
        (_own, _inPlace, _name) = (null, null, null);
    }
}
