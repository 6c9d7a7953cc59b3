namespace ModNet.Runtime;

/// <summary>Writes shapes in messages.</summary>
internal static class ShapeText
{
    /// <summary>A shape as text: <c>[2, 3]</c>.</summary>
    internal static string AsShape(this IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
