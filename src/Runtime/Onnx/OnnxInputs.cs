using DataType = Onnx.TensorProto.Types.DataType;

namespace ModNet.Runtime;

/// <summary>What <see cref="Preparation.Apply"/> does, as operators of ONNX: x as the data have it becomes the network's input.</summary>
internal static class OnnxInputs
{
    /// <summary>Declares the input x and prepares it.</summary>
    internal static OnnxValue Prepared(OnnxGraph onnx, long[] row, Preparation? preparation)
    {
        if (row.Length == 0)
        {
            return onnx.Input("x", DataType.Int64, -1);
        }

        if (preparation?.Pixels is { } pixels)
        {
            OnnxValue bytes = onnx.Cast(onnx.Input("x", DataType.Uint8, row), DataType.Float);
            OnnxValue scaled = onnx.Two("Mul", bytes, onnx.Reals([.. pixels.Scale], pixels.Scale.Count, 1, 1));
            return onnx.Two("Add", scaled, onnx.Reals([.. pixels.Shift], pixels.Shift.Count, 1, 1));
        }

        var steps = new ColumnSteps(preparation?.Columns, preparation?.Scaling, preparation?.Fill, preparation?.Levels);
        // The columns of a table are in double precision, whether they are prepared or not.
        return steps.AreNone && preparation?.Columns is null ? onnx.Input("x", DataType.Float, row) : Columns(onnx, steps);
    }

    // In double precision until the end, as in training: float32 would merge values that lie close together far from zero.
    private static OnnxValue Columns(OnnxGraph onnx, ColumnSteps steps)
    {
        int columns = steps.Width ?? steps.Names!.Count;
        OnnxValue x = onnx.Input("x", DataType.Double, columns);
        if (steps.Fill is { } fill)
        {
            x = onnx.Add("Where", x.Row, [onnx.Each("IsNaN", x), onnx.Doubles(fill), x]);
        }

        if (steps.Scaling is { } scaling)
        {
            x = onnx.Two("Div", onnx.Two("Sub", x, onnx.Doubles(scaling.Mean)), onnx.Doubles(scaling.Deviation));
        }

        OnnxValue numbers = onnx.Cast(x, DataType.Float);
        return steps.Levels is null ? numbers : WithLevels(onnx, numbers, steps.ByColumn(columns));
    }

    // A column for each level: 1 where the code is its own.
    private static OnnxValue WithLevels(OnnxGraph onnx, OnnxValue x, ColumnLevels?[] levels)
    {
        var parts = new List<OnnxValue>();
        for (int from = 0; from < levels.Length;)
        {
            int to = from;
            while (to < levels.Length && levels[to] is null or { Coded: true })
            {
                to++;
            }

            bool isLevel = to == from;
            to = isLevel ? from + 1 : to;
            OnnxValue part = onnx.Add("Slice", [to - from], [x, onnx.Numbers(from), onnx.Numbers(to), onnx.Numbers(1)]);
            if (isLevel)
            {
                int count = levels[from]!.Levels.Count;
                OnnxValue codes = onnx.Reals([.. Enumerable.Range(0, count).Select(c => (float)c)], 1, count);
                part = onnx.Cast(onnx.Add("Equal", [count], [part, codes]), DataType.Float);
            }

            parts.Add(part);
            from = to;
        }

        return onnx.Add("Concat", [parts.Sum(p => p.Row[0])], parts, ("axis", 1L));
    }
}
