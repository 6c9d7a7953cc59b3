namespace ModNet.Runtime;

/// <summary>Takes several modules for the one choice of every row, and weighs their outputs.</summary>
/// <param name="k">The number of modules per row, at most M.</param>
/// <param name="method">The name of the method that chooses so, for messages.</param>
public abstract class TopKSelector(int k, string method) : Selector
{
    /// <summary>k, the number of modules per row.</summary>
    public int K { get; } = k;

    /// <inheritdoc/>
    public override int Runs(int choose) => K;

    /// <summary>UserException unless the site's K is 1 and k ≤ M.</summary>
    protected void Check(Site site)
    {
        if (site.Choose != 1)
        {
            throw new UserException(
                $"{site.Layer}/choose", $"K = 1 under {method}, whose own k says how many modules run", $"K = {site.Choose}", "choose 1");
        }

        if (K < 1 || K > site.Modules)
        {
            throw new UserException(
                $"{site.Layer}", $"1 ≤ k ≤ M = {site.Modules} under {method}", $"k = {K}", "run fewer modules, or give the pool more");
        }
    }
}
