using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How datapoints that have weights are averaged: a datapoint of weight 2 counts as much as two of weight 1.</summary>
internal static class Weighting
{
    /// <summary>Σ_n w_n · each_n / Σ_n w_n of each [B] → scalar. Without weights it is the plain mean, to the last bit.</summary>
    internal static Tensor Mean(Tensor each, Tensor? weights) =>
        weights is null ? each.mean() : (each * Shares(weights, each.dtype)).sum();

    /// <summary>Σ_n w_n · each_n of each [B, …], in double precision. Without weights it is the plain sum.</summary>
    internal static Tensor Sum(Tensor each, Tensor? weights)
    {
        Tensor exact = each.to_type(ScalarType.Float64);
        return (weights is null ? exact : exact.reshape(each.shape[0], -1) * weights.unsqueeze(1)).sum();
    }

    /// <summary>How many datapoints B of them count as: Σ_n w_n.</summary>
    internal static double Count(long datapoints, Tensor? weights) => weights is null ? datapoints : weights.sum().ToDouble();

    /// <summary>w_n / Σ_n w_n [B]. Divided in double precision, because a sum of weights may leave the range of float32.</summary>
    internal static Tensor Shares(Tensor weights, ScalarType dtype) => (weights / weights.sum()).to_type(dtype);
}
