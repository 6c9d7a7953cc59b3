using System.Collections.Concurrent;

namespace ModNet.Torch;

/// <summary>Any operator of the installed libtorch, by name. Not part of TorchSharp: a caller outside ModNet.Torch has a fallback.</summary>
public static class Operators
{
    private static readonly ConcurrentDictionary<(string, string), Op> Known = new();

    /// <summary>
    /// Calls <paramref name="name"/> (with or without "aten::") and <paramref name="overload"/> ("" for the first). Trailing missing
    /// arguments, and <see cref="Arg.Default"/>, take the schema's defaults.
    /// Results are Tensor, Tensor[], long, double, bool or null.
    /// </summary>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">No such operator, wrong arguments, or a failure inside; the message is libtorch's.</exception>
    public static object?[] Call(string name, string overload, params Arg[] args) => Find(name, overload).CallAny(args);

    /// <summary>The operator's schema, as libtorch prints it.</summary>
    public static string Schema(string name, string overload = "") => Find(name, overload).Schema;

    /// <summary>Whether the installed libtorch has the operator.</summary>
    public static bool Exists(string name, string overload = "")
    {
        try
        {
            return Schema(name, overload).Length > 0;
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return false;
        }
    }

    private static Op Find(string name, string overload) =>
        Known.GetOrAdd((name, overload), static key => new Op(key.Item2.Length == 0 ? key.Item1 : $"{key.Item1}.{key.Item2}"));
}
