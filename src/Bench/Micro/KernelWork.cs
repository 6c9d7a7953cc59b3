namespace ModNet.Bench;

/// <summary>What a kernel's call does, counted from its sizes.</summary>
/// <param name="Operations">Multiplications and additions of its products; exponentials are not among them.</param>
/// <param name="Exponentials">Exponentials.</param>
/// <param name="Bytes">Arguments, read or written once.</param>
public sealed record KernelWork(double Operations, double Exponentials, double Bytes);
