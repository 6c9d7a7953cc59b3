using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op index = new("index.Tensor");
    internal static readonly Op index_put = new("index_put");
    internal static readonly Op index_put_ = new("index_put_");
    internal static readonly Op gather = new("gather");
    internal static readonly Op scatter = new("scatter.src");
    internal static readonly Op scatter_ = new("scatter_.src");
    internal static readonly Op scatter_value = new("scatter.value");
    internal static readonly Op scatter_value_ = new("scatter_.value");
    internal static readonly Op scatter_add = new("scatter_add");
    internal static readonly Op scatter_add_ = new("scatter_add_");
    internal static readonly Op index_select = new("index_select");
    internal static readonly Op index_add = new("index_add");
    internal static readonly Op index_add_ = new("index_add_");
    internal static readonly Op index_copy = new("index_copy");
    internal static readonly Op index_copy_ = new("index_copy_");
    internal static readonly Op index_fill = new("index_fill.int_Scalar");
    internal static readonly Op index_fill_ = new("index_fill_.int_Scalar");
    internal static readonly Op masked_select = new("masked_select");
    internal static readonly Op masked_fill = new("masked_fill.Scalar");
    internal static readonly Op masked_fill_tensor = new("masked_fill.Tensor");
    internal static readonly Op masked_fill_ = new("masked_fill_.Scalar");
    internal static readonly Op masked_fill_tensor_ = new("masked_fill_.Tensor");
    internal static readonly Op masked_scatter = new("masked_scatter");
    internal static readonly Op take = new("take");
    internal static readonly Op take_along_dim = new("take_along_dim");
    internal static readonly Op nonzero = new("nonzero");
    internal static readonly Op argwhere = new("argwhere");
    internal static readonly Op where = new("where.self");
    internal static readonly Op where_scalar_self = new("where.ScalarSelf");
    internal static readonly Op where_scalar_other = new("where.ScalarOther");
    internal static readonly Op where_scalars = new("where.Scalar");
    internal static readonly Op where_condition = new("where");
    internal static readonly Op searchsorted = new("searchsorted.Tensor");
    internal static readonly Op bucketize = new("bucketize.Tensor");
}

public static partial class torch
{
    // Selecting and writing elements by position, mask or index tensor.
    public partial class Tensor
    {
        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            var (view, tensors) = Resolve(indices);
            if (tensors is null)
                return ReferenceEquals(view, this) ? alias() : view;
            var result = Aten.index.Call(view, tensors);
            Discard(view);
            return result;
        }

        public Tensor index(params Tensor[] indices) => Aten.index.Call(this, indices);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => Put(value, indices, accumulate: false);

        public Tensor index_put_(Tensor value, params Tensor[] indices) => Aten.index_put_.InPlace(this, this, indices, value);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var tensor = full([], value, dtype, device);
            return Put(tensor, indices, accumulate: false);
        }

        /// <param name="indices">Index tensors, one per leading dimension.</param>
        /// <param name="values">Broadcast to the indexed shape.</param>
        /// <param name="accumulate">Whether to add rather than overwrite.</param>
        public Tensor index_put_(Tensor[] indices, Tensor values, bool accumulate = false) => Aten.index_put_.InPlace(this, this, indices, values, accumulate);

        public Tensor index_put(Tensor[] indices, Tensor values, bool accumulate = false) => Aten.index_put.Call(this, indices, values, accumulate);

        public Tensor gather(long dim, Tensor index) => Aten.gather.Call(this, dim, index);
        public Tensor scatter(long dim, Tensor index, Tensor src) => Aten.scatter.Call(this, dim, index, src);
        public Tensor scatter(long dim, Tensor index, Scalar value) => Aten.scatter_value.Call(this, dim, index, value);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Aten.scatter_.InPlace(this, this, dim, index, src);
        public Tensor scatter_(long dim, Tensor index, Scalar value) => Aten.scatter_value_.InPlace(this, this, dim, index, value);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Aten.scatter_add.Call(this, dim, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Aten.scatter_add_.InPlace(this, this, dim, index, src);
        public Tensor index_select(long dim, Tensor index) => Aten.index_select.Call(this, dim, index);
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Aten.index_add.Call(this, dim, index, source, alpha);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Aten.index_add_.InPlace(this, this, dim, index, source, alpha);
        public Tensor index_copy(long dim, Tensor index, Tensor source) => Aten.index_copy.Call(this, dim, index, source);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Aten.index_copy_.InPlace(this, this, dim, index, source);
        public Tensor index_fill(long dim, Tensor index, Scalar value) => Aten.index_fill.Call(this, dim, index, value);
        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Aten.index_fill_.InPlace(this, this, dim, index, value);
        public Tensor masked_select(Tensor mask) => Aten.masked_select.Call(this, mask);
        public Tensor masked_fill(Tensor mask, Scalar value) => Aten.masked_fill.Call(this, mask, value);
        public Tensor masked_fill(Tensor mask, Tensor value) => Aten.masked_fill_tensor.Call(this, mask, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Aten.masked_fill_.InPlace(this, this, mask, value);
        public Tensor masked_fill_(Tensor mask, Tensor value) => Aten.masked_fill_tensor_.InPlace(this, this, mask, value);
        public Tensor masked_scatter(Tensor mask, Tensor value) => Aten.masked_scatter.Call(this, mask, value);
        public Tensor take(Tensor index) => Aten.take.Call(this, index);
        public Tensor take_along_dim(Tensor indices) => Aten.take_along_dim.Call(this, indices);
        public Tensor take_along_dim(Tensor indices, long dim) => Aten.take_along_dim.Call(this, indices, dim);
        public Tensor nonzero() => Aten.nonzero.Call(this);
        public Tensor argwhere() => Aten.argwhere.Call(this);
        public Tensor where(Tensor condition, Tensor y) => Aten.where.Call(condition, this, y);

        private Tensor Put(Tensor value, TensorIndex[] indices, bool accumulate)
        {
            var (view, tensors) = Resolve(indices);
            if (tensors is null)
                view.copy_(value);
            else
                Aten.index_put_.InPlace(view, view, tensors, value, accumulate);
            Discard(view);
            return this;
        }

        private void Discard(Tensor view)
        {
            if (!ReferenceEquals(view, this))
                view.Dispose();
        }

        // Positions, slices and new axes are taken as views, in order; what index tensors and masks remain are left to the index operator.
        private (Tensor View, Tensor?[]? Indices) Resolve(TensorIndex[] indices)
        {
            var view = this;
            List<Tensor?>? tensors = null;
            var dim = 0;
            void Step(Tensor next)
            {
                Discard(view);
                view = next;
            }
            for (var i = 0; i < indices.Length; i++)
            {
                var entry = indices[i];
                switch (entry.kind)
                {
                    case TensorIndex.Kind.Single:
                        Step(view.select(dim, entry.startOrSingle ?? 0));
                        break;
                    case TensorIndex.Kind.Slice:
                        if (entry.startOrSingle is not null || entry.stop is not null || entry.step is not null)
                            Step(view.slice(dim, entry.startOrSingle, entry.stop, entry.step));
                        dim++;
                        break;
                    case TensorIndex.Kind.Null:
                        Step(view.unsqueeze(dim++));
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        var rest = indices.Skip(i + 1).Sum(Consumed);
                        dim = (int)view.ndim - rest;
                        break;
                    case TensorIndex.Kind.Bool:
                        Step(view.unsqueeze(dim));
                        Place(tensors ??= [], dim++, tensor(entry.startOrSingle != 0).reshape(1));
                        break;
                    case TensorIndex.Kind.Tensor:
                        Place(tensors ??= [], dim, entry.tensor);
                        dim += Consumed(entry);
                        break;
                    default:
                        throw new ArgumentException("An uninitialised TensorIndex.");
                }
            }
            return (view, tensors?.ToArray());
        }

        private static int Consumed(TensorIndex entry) => entry.kind switch
        {
            TensorIndex.Kind.Single or TensorIndex.Kind.Slice => 1,
            TensorIndex.Kind.Tensor => entry.tensor!.dtype is ScalarType.Bool ? (int)entry.tensor.ndim : 1,
            _ => 0,
        };

        private static void Place(List<Tensor?> tensors, int dim, Tensor? tensor)
        {
            while (tensors.Count < dim)
                tensors.Add(null);
            tensors.Add(tensor);
        }
    }

    public static Tensor gather(Tensor input, long dim, Tensor index) => input.gather(dim, index);
    public static Tensor scatter(Tensor input, long dim, Tensor index, Tensor src) => input.scatter(dim, index, src);
    public static Tensor scatter_add(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_add(dim, index, src);
    public static Tensor index_select(Tensor input, long dim, Tensor index) => input.index_select(dim, index);
    public static Tensor index_add(Tensor input, long dim, Tensor index, Tensor source, Scalar alpha) => input.index_add(dim, index, source, alpha);
    public static Tensor index_copy(Tensor input, long dim, Tensor index, Tensor source) => input.index_copy(dim, index, source);
    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);
    public static Tensor masked_fill(Tensor input, Tensor mask, Scalar value) => input.masked_fill(mask, value);
    public static Tensor take_along_dim(Tensor input, Tensor indices) => input.take_along_dim(indices);
    public static Tensor take_along_dim(Tensor input, Tensor indices, long dim) => input.take_along_dim(indices, dim);
    public static Tensor nonzero(Tensor input) => input.nonzero();
    public static Tensor argwhere(Tensor input) => input.argwhere();
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Aten.where.Call(condition, x, y);
    public static Tensor where(Tensor condition, Scalar x, Tensor y) => Aten.where_scalar_self.Call(condition, x, y);
    public static Tensor where(Tensor condition, Tensor x, Scalar y) => Aten.where_scalar_other.Call(condition, x, y);
    public static Tensor where(Tensor condition, Scalar x, Scalar y) => Aten.where_scalars.Call(condition, x, y);
    public static Tensor[] where(Tensor condition) => Aten.where_condition.CallList(condition);
    public static Tensor searchsorted(Tensor sorted_sequence, Tensor values, bool out_int32 = false, bool right = false) =>
        Aten.searchsorted.Call(sorted_sequence, values, out_int32, right);
    public static Tensor bucketize(Tensor input, Tensor boundaries, bool outInt32 = false, bool right = false) =>
        Aten.bucketize.Call(input, boundaries, outInt32, right);
}
