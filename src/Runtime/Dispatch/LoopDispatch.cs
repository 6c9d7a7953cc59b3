using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs, for every row and every position, the chosen module on the row. It is written to be obviously right.</summary>
internal sealed class LoopDispatch : Dispatch
{
    public override string Name => "loop";

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        (long rows, long positions) = (indices.shape[0], indices.shape[1]);
        long[] chosen = FromDevice.Vector<long>(indices, Wait.Choices);
        var outputs = new List<Tensor>();
        for (long b = 0; b < rows; b++)
        {
            for (long k = 0; k < positions; k++)
            {
                outputs.Add(pool.Apply((int)chosen[b * positions + k], x.narrow(0, b, 1)));
            }
        }

        return outputs.Count == 0 ? NoRows(pool, x, indices) : ByRow(Operators.Join([.. outputs], 0), indices);
    }
}
