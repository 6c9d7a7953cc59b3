namespace ModNet.Kernels;

/// <summary>How blocks of rows and the weights of units are cut, for registers of a certain width.</summary>
internal sealed class ModularUnitLayout
{
    // Numbers in a block of the widest rows, for the second-level cache.
    private const int RowsLength = 1 << 16;

    internal ModularUnitLayout(ModularUnitSize size, ModularUnitPlanes planes, int lanes)
    {
        Linear = [.. size.Stages.Select(Of)];
        Padded = [.. planes.Widths.Select(w => Scratch.RoundUp(w, lanes))];
        WidestStride = planes.Strides.Max();
        BlockRows = Math.Clamp(
            RowsLength / WidestStride / ModularLinearLayout.Tile * ModularLinearLayout.Tile, ModularLinearLayout.Tile, 128);
        PackedLength = size.Stages.Select((s, i) => Linear[i] is { IsPacked: true } own ? (long)s.Outputs * own.WeightStride : 0).Max();

        ModularLinearLayout? Of(UnitStage stage) => stage.Kind == UnitStageKind.Linear
            ? new(new ModularLinearSize(size.Rows, stage.Inputs, stage.Outputs, size.Modules, size.Choose), lanes)
            : null;
    }

    /// <summary>Of each linear stage; of others, null.</summary>
    internal ModularLinearLayout?[] Linear { get; }

    /// <summary>The widths of planes in whole registers.</summary>
    internal int[] Padded { get; }

    /// <summary>The greatest distance from a row of a plane to the next.</summary>
    internal int WidestStride { get; }

    /// <summary>How many rows a block has.</summary>
    internal int BlockRows { get; }

    /// <summary>Room for the weight of one module that has to be copied.</summary>
    internal long PackedLength { get; }
}
