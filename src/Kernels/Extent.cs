namespace ModNet.Kernels;

/// <summary>A size that is known when code is compiled.</summary>
internal interface IExtent
{
    static abstract int Value { get; }
}

/// <summary>1.</summary>
internal readonly struct One : IExtent
{
    public static int Value => 1;
}

/// <summary>2.</summary>
internal readonly struct Two : IExtent
{
    public static int Value => 2;
}

/// <summary>3.</summary>
internal readonly struct Three : IExtent
{
    public static int Value => 3;
}

/// <summary>4.</summary>
internal readonly struct Four : IExtent
{
    public static int Value => 4;
}
