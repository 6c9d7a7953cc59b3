using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What Adam keeps of one parameter. AdamW keeps the same, but TorchSharp gives the two states no common type.</summary>
internal sealed class AdamMoments
{
    private readonly Adam.State? _adam;
    private readonly AdamW.State? _adamW;

    private AdamMoments(Adam.State? adam, AdamW.State? adamW) => (_adam, _adamW) = (adam, adamW);

    /// <summary>The running mean of gradients, in the parameter's shape.</summary>
    internal Tensor First => _adam?.exp_avg ?? _adamW!.exp_avg;

    /// <summary>The running mean of squared gradients, in the parameter's shape.</summary>
    internal Tensor Second => _adam?.exp_avg_sq ?? _adamW!.exp_avg_sq;

    /// <summary>How many steps the parameter has had.</summary>
    internal long Step
    {
        get => _adam?.step ?? _adamW!.step;
        set
        {
            if (_adam is not null)
            {
                _adam.step = value;
            }
            else
            {
                _adamW!.step = value;
            }
        }
    }

    /// <summary>The moments in the state of an optimiser; null where it is neither Adam nor AdamW.</summary>
    internal static AdamMoments? Of(TorchSharp.Modules.OptimizerState state) => state switch
    {
        Adam.State adam => new(adam, null),
        AdamW.State adamW => new(null, adamW),
        _ => null,
    };
}
