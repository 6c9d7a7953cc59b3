using System.Text.Json.Nodes;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// The network of modular convolutions (paper, appendix D), written for speed: all M filters of a layer are one convolution (a filter has
/// one channel), and all M modules of a linear layer one product; in the E-step the first layer's filters and controller run once per image
/// and are spread over the candidates, which are one batch. Linear layers can also fetch the chosen weights instead.
/// </summary>
internal sealed class Cifar : EmModel
{
    private const int Convolutions = 3;
    private const int Layers = Convolutions + 2;
    private const string Wide = "wide";
    private const string Fetched = "fetched";

    private readonly long _modules;
    private readonly double _controllerWeight;

    /// <summary>As it was told.</summary>
    internal Cifar(JsonObject told)
        : base(told, told["m_batch"]!.GetValue<long>(), told["e_batch"]!.GetValue<long>())
    {
        _modules = told["modules"]!.GetValue<long>();
        _controllerWeight = told["controller_weight"]!.GetValue<double>();
    }

    /// <inheritdoc/>
    protected override IEnumerable<string> LossWays => [Wide, Fetched];

    /// <inheritdoc/>
    protected override IEnumerable<string> JointWays => [Wide, Fetched];

    /// <inheritdoc/>
    protected override Tensor Loss(Tensor inputs, Tensor targets, Tensor held, string way)
    {
        Tensor x = inputs, logChoice = zeros(1);
        for (int i = 0; i < Layers; i++)
        {
            Tensor chosen = held.narrow(1, i * Choose, Choose);
            logChoice = logChoice + LogChoices(x, i).gather(2, chosen.unsqueeze(2)).sum();
            x = i < Convolutions ? Channels(Filtered(x, i), chosen) : Linear(x.flatten(1), i, chosen, way);
        }

        Tensor loss = cross_entropy(Head(x), targets) - logChoice * (_controllerWeight / inputs.shape[0]);
        return loss.sum();
    }

    /// <inheritdoc/>
    protected override (Tensor Joint, Tensor Compositions) Joint(Tensor inputs, Tensor targets, Tensor held, string way)
    {
        (long batch, long many) = (inputs.shape[0], Samples + 1);
        Tensor x = inputs, logChoice = zeros(1);
        var compositions = new Tensor[Layers];
        for (int i = 0; i < Layers; i++)
        {
            Tensor logP = LogChoices(x, i);
            if (i == 0)
            {
                logP = logP.repeat(many, 1, 1);
            }

            // The smallest of exponential times at rates p is a draw from p.
            Tensor chosen = logP.exp().div_(empty_like(logP).exponential_()).argmax(2);
            chosen.narrow(0, 0, batch).copy_(held.narrow(1, i * Choose, Choose));
            compositions[i] = chosen;
            logChoice = logChoice + logP.gather(2, chosen.unsqueeze(2)).sum([1, 2]);
            if (i == 0)
            {
                Tensor every = Filtered(x, i);
                Tensor rows = arange(batch).repeat(many).unsqueeze(1) * _modules + chosen;
                x = every.flatten(0, 1).index_select(0, rows.flatten()).relu_()
                    .view(many * batch, Choose, every.shape[2], every.shape[3]);
            }
            else
            {
                x = i < Convolutions ? Channels(Filtered(x, i), chosen) : Linear(x.flatten(1), i, chosen, way);
            }
        }

        Tensor scores = logChoice - cross_entropy(Head(x), targets.repeat(many), reduction: Reduction.None);
        return (scores.view(many, batch), cat(compositions, 1).view(many, batch, -1));
    }

    private Tensor Of(int layer, string name) => Parameters[$"{layer}.{name}"];

    private Tensor Head(Tensor x) => linear(x, Parameters["head.weight"], Parameters["head.bias"]);

    // log p(·|x) of rows [R, …]: [R, K, M].
    private Tensor LogChoices(Tensor x, int layer) =>
        linear(x.flatten(1), Of(layer, "controller_weight"), Of(layer, "controller_bias"))
            .view(-1, Choose, _modules).log_softmax(2);

    // All filters' outputs [R, M, H, W], before the activation.
    private Tensor Filtered(Tensor x, int layer) =>
        conv2d(x, Of(layer, "module_weight").flatten(0, 1), Of(layer, "module_bias").flatten(), [2, 2], [1, 1]);

    // Of [R, M, H, W] the channels chosen [R, K].
    private static Tensor Channels(Tensor every, Tensor chosen) =>
        every.gather(1, chosen.unsqueeze(2).unsqueeze(3).expand(-1, -1, every.shape[2], every.shape[3])).relu();

    // The K chosen modules' outputs side by side, [R, K·out].
    private Tensor Linear(Tensor x, int layer, Tensor chosen, string way)
    {
        Tensor weight = Of(layer, "module_weight"), bias = Of(layer, "module_bias");
        (long rows, long width) = (x.shape[0], bias.shape[1]);
        Tensor each;
        if (way == Wide)
        {
            Tensor every = linear(x, weight.flatten(0, 1), bias.flatten()).view(-1, width);
            each = every.index_select(0, (arange(rows).unsqueeze(1) * _modules + chosen).flatten());
        }
        else
        {
            Tensor flat = chosen.flatten();
            Tensor fetched = weight.index_select(0, flat).view(rows, Choose * width, -1);
            each = fetched.bmm(x.unsqueeze(2)).view(-1, width) + bias.index_select(0, flat);
        }

        return each.relu().view(rows, -1);
    }
}
