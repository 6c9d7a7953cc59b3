using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Lists all compositions of a datapoint over all its sites, for the sum of Eq. 4 and the maximum of Eq. 10. It is feasible while Π M is small.</summary>
public static class Compositions
{
    /// <summary>The largest number of compositions that are listed.</summary>
    public const int Limit = 65_536;

    /// <summary>Every composition, [Π M, C] int64; the last choice varies fastest. UserException where there are more than <see cref="Limit"/>.</summary>
    public static Tensor All(IReadOnlyList<int> modulesPerChoice)
    {
        long total = 1;
        foreach (int modules in modulesPerChoice)
        {
            total *= modules;
            if (total > Limit)
            {
                throw new UserException(
                    "enumeration",
                    $"at most {Limit} compositions per datapoint",
                    $"more with {modulesPerChoice.Count} choices of up to {modulesPerChoice.Max()} modules",
                    "sample instead");
            }
        }

        int choices = modulesPerChoice.Count;
        var values = new long[total * choices];
        for (long i = 0; i < total; i++)
        {
            long rest = i;
            for (int c = choices - 1; c >= 0; c--)
            {
                values[i * choices + c] = rest % modulesPerChoice[c];
                rest /= modulesPerChoice[c];
            }
        }

        return tensor(values).view(total, choices);
    }
}
