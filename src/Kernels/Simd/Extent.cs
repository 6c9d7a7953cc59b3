namespace ModNet.Kernels;

/// <summary>
/// A tile's height or width as a type, so that the JIT knows it: each size of a tile then becomes code of its own, in which
/// comparisons with the size are already decided.
/// </summary>
internal interface IExtent
{
    static abstract int Value { get; }
}

internal readonly struct One : IExtent { public static int Value => 1; }
internal readonly struct Two : IExtent { public static int Value => 2; }
internal readonly struct Three : IExtent { public static int Value => 3; }
internal readonly struct Four : IExtent { public static int Value => 4; }
