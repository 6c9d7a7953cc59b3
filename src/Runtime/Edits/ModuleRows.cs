namespace ModNet.Runtime;

/// <summary>
/// Which module of a pool each module of the edited pool comes from. Excluding, relabelling, repeating and adding modules are all of this form.
/// </summary>
public sealed class ModuleRows
{
    /// <summary>Stands for a module that comes from none: it begins anew.</summary>
    public const int Fresh = -1;

    private ModuleRows(int before, int[] from) => (Before, From) = (before, from);

    /// <summary>M before the edit.</summary>
    public int Before { get; }

    /// <summary>For every module of the edited pool the one that it comes from, or <see cref="Fresh"/>.</summary>
    public IReadOnlyList<int> From { get; }

    /// <summary>
    /// The edited pool's module m is <paramref name="from"/>[m] of M = <paramref name="before"/>, or <see cref="Fresh"/>. ArgumentException where one is
    /// not there.
    /// </summary>
    /// <example><code>ModuleRows.Of(3, [2, 0]);</code></example>
    public static ModuleRows Of(int before, IEnumerable<int> from)
    {
        int[] rows = [.. from];
        return rows.Any(m => m < Fresh || m >= before)
            ? throw new ArgumentException($"expected modules from 0 to {before - 1}, got {string.Join(", ", rows)}")
            : new(before, rows);
    }

    /// <summary>All of M modules but the given ones, in order.</summary>
    public static ModuleRows Without(int before, IReadOnlyCollection<int> excluded) =>
        new(before, [.. Enumerable.Range(0, before).Where(m => !excluded.Contains(m))]);

    /// <summary>All of M modules, and after them the given ones once more, or <see cref="Fresh"/> ones.</summary>
    public static ModuleRows With(int before, IEnumerable<int> more) => Of(before, [.. Enumerable.Range(0, before), .. more]);

    /// <summary>For every module before the edit the first that it became, or −1 where it is gone.</summary>
    public int[] To()
    {
        var to = new int[Before];
        Array.Fill(to, -1);
        for (int now = From.Count - 1; now >= 0; now--)
        {
            if (From[now] != Fresh)
            {
                to[From[now]] = now;
            }
        }

        return to;
    }
}
