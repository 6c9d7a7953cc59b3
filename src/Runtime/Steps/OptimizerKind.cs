using ModNet.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Which optimiser takes the gradient steps, and its numbers. Each kind has one file, which says all that ModNet knows of that optimiser:
/// how it is made, what it remembers of a parameter, how that is saved, and how it steps some rows of a parameter alone.
/// </summary>
/// <param name="Rate">The learning rate from which a <see cref="Schedule"/> starts.</param>
public abstract record OptimizerKind(double Rate)
{
    /// <summary>Makes an optimiser of this kind over some parameters.</summary>
    internal abstract OptimizerHelper Over(IEnumerable<Parameter> parameters);

    /// <summary>What such an optimiser remembers of a parameter, given the state object that it holds for it.</summary>
    private protected abstract ParameterMemory Memory(Parameter parameter, OptimizerState state);

    /// <summary>
    /// What is remembered of a stacked parameter whose rows are stepped alone (<see cref="Unselected.Rest"/>) and that no optimiser of libtorch holds: nothing takes memory
    /// before a row is first stepped. The caller disposes of it.
    /// </summary>
    internal abstract ParameterMemory Apart(Parameter parameter);

    /// <summary>What an optimiser that <see cref="Over"/> made of these parameters remembers of each, in their order.</summary>
    internal ParameterMemory[] Memories(IEnumerable<Parameter> parameters, OptimizerHelper optimizer) =>
        [.. parameters.Zip(optimizer.state_dict().State, Memory)];
}

/// <summary>What an optimiser remembers of one parameter [M, …], and its step on some of the parameter's rows.</summary>
internal abstract class ParameterMemory(Parameter parameter) : IDisposable
{
    /// <summary>The parameter.</summary>
    internal Parameter Parameter { get; } = parameter;

    /// <summary>Whether our own kernel can step the parameter: it has to be of float32 and on the CPU.</summary>
    internal bool FitsKernel =>
        Parameter.dtype == ScalarType.Float32
        && !Accelerator.Holds(Parameter)
        && Parameter.is_contiguous();

    /// <summary>The memory as named tensors for a checkpoint.</summary>
    internal abstract IEnumerable<(string Part, Tensor Value)> State();

    /// <summary>Takes back what <see cref="State"/> gave. UserException where it does not fit the parameter.</summary>
    internal abstract void Restore(SavedState saved);

    /// <summary>Releases what no optimiser of libtorch holds.</summary>
    public virtual void Dispose()
    {
    }

    /// <summary>Counts one more step of the whole parameter and returns its number, from 1, where the optimiser counts steps.</summary>
    internal virtual long CountStep() => 0;

    /// <summary>Steps rows [U] of the parameter by our own kernel, in one pass over them.</summary>
    /// <param name="rate">The learning rate of this step.</param>
    /// <param name="modules">M, the number of rows that the parameter is divided into.</param>
    /// <param name="rows">The rows that are stepped, [U], ascending.</param>
    /// <param name="steps">The number of this step for each row, [U], from 1.</param>
    /// <param name="gradient">The gradient of these rows.</param>
    internal abstract void StepByKernel(double rate, int modules, long[] rows, long[] steps, in OptimiserGradient gradient);

    /// <summary>The same by libtorch's operators: rows [U] int64 and their gradient [U, …], on the parameter's device.</summary>
    internal abstract void StepByOperators(double rate, Tensor rows, long[] steps, Tensor gradient);
}
