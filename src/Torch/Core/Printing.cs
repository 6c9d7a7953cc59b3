using System.Globalization;
using System.Text;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private const int Edge = 3;
        private const long Whole = 1000;

        /// <summary>Shape, type and device; the elements by <see cref="str"/>.</summary>
        public override string ToString() =>
            IsInvalid ? "disposed tensor" : $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";

        /// <summary>Shape, type, device and elements; the middle of long dimensions is left out.</summary>
        public string str(string fltFormat = "g5")
        {
            using var scope = NewDisposeScope();
            var text = new StringBuilder(ToString());
            text.Append(ndim == 0 ? ", value = " : "\n");
            Append(text, detach().cpu(), fltFormat, NumberOfElements > Whole);
            return text.ToString();
        }

        private static void Append(StringBuilder text, Tensor tensor, string format, bool summary)
        {
            if (tensor.ndim == 0)
            {
                text.Append(tensor.is_floating_point()
                    ? tensor.ToDouble().ToString(format, CultureInfo.InvariantCulture)
                    : tensor.is_complex() ? "complex" : tensor.ToScalar().ToString());
                return;
            }
            var n = tensor.shape[0];
            text.Append('[');
            for (long i = 0; i < n; i++)
            {
                if (summary && i == Edge && n > 2 * Edge)
                {
                    text.Append(" …");
                    i = n - Edge;
                }
                if (i > 0)
                    text.Append(tensor.ndim == 1 ? " " : "\n ");
                Append(text, tensor.select(0, i), format, summary);
            }
            text.Append(']');
        }
    }
}
