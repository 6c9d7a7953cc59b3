using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Sends every row to the ranks where its modules live, runs them there, and sends the outputs back.</summary>
internal sealed class SpreadDispatch : Dispatch
{
    public override string Name => "spread";

    public override bool Fits(ModulePool pool) => pool is SpreadPool;

    // A rank has about as many rows of others as others have of it.
    internal override long Holds(ModulePool pool, long row, long positions, long outputs) => 2 * positions * row + 3 * outputs;

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Check("dispatch", pool);
        return ((SpreadPool)pool).Run(x, indices);
    }
}
