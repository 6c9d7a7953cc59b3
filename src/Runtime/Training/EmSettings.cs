namespace ModNet.Runtime;

/// <summary>What Algorithm 1 leaves open.</summary>
/// <param name="Samples">S: fresh compositions drawn per datapoint in an E-step, beside a*.</param>
/// <param name="MSteps">Gradient steps after each E-step.</param>
/// <param name="EBatch">Datapoints per E-step.</param>
/// <param name="MBatch">Datapoints per gradient step.</param>
/// <param name="LearningRate">Adam's.</param>
public sealed record EmSettings(
    int Samples = 10, int MSteps = 15, long EBatch = 128, long MBatch = 128, double LearningRate = 1e-3);
