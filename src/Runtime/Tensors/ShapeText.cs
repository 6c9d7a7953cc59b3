namespace ModNet.Runtime;

/// <summary>Shapes in messages.</summary>
internal static class ShapeText
{
    /// <summary>[2, 3].</summary>
    internal static string AsShape(this IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
