using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op view = new("view");
    internal static readonly Op view_dtype = new("view.dtype");
    internal static readonly Op reshape = new("reshape");
    internal static readonly Op resize_ = new("resize_");
    internal static readonly Op flatten = new("flatten.using_ints");
    internal static readonly Op unflatten = new("unflatten.int");
    internal static readonly Op squeeze = new("squeeze");
    internal static readonly Op squeeze_dim = new("squeeze.dim");
    internal static readonly Op squeeze_ = new("squeeze_");
    internal static readonly Op squeeze_dim_ = new("squeeze_.dim");
    internal static readonly Op unsqueeze = new("unsqueeze");
    internal static readonly Op unsqueeze_ = new("unsqueeze_");
    internal static readonly Op transpose = new("transpose.int");
    internal static readonly Op transpose_ = new("transpose_");
    internal static readonly Op t = new("t");
    internal static readonly Op permute = new("permute");
    internal static readonly Op movedim = new("movedim.intlist");
    internal static readonly Op expand = new("expand");
    internal static readonly Op repeat = new("repeat");
    internal static readonly Op repeat_interleave = new("repeat_interleave.self_int");
    internal static readonly Op repeat_interleave_each = new("repeat_interleave.self_Tensor");
    internal static readonly Op tile = new("tile");
    internal static readonly Op roll = new("roll");
    internal static readonly Op flip = new("flip");
    internal static readonly Op narrow = new("narrow");
    internal static readonly Op slice = new("slice.Tensor");
    internal static readonly Op select = new("select.int");
    internal static readonly Op contiguous = new("contiguous");
    internal static readonly Op chunk = new("chunk");
    internal static readonly Op split = new("split.Tensor");
    internal static readonly Op split_sizes = new("split_with_sizes");
    internal static readonly Op tensor_split = new("tensor_split.sections");
    internal static readonly Op unbind = new("unbind.int");
    internal static readonly Op cat = new("cat");
    internal static readonly Op stack = new("stack");
    internal static readonly Op diag = new("diag");
    internal static readonly Op diagonal = new("diagonal");
    internal static readonly Op tril = new("tril");
    internal static readonly Op triu = new("triu");
    internal static readonly Op as_strided = new("as_strided");
    internal static readonly Op unfold = new("unfold");
    internal static readonly Op broadcast_tensors = new("broadcast_tensors");
    internal static readonly Op meshgrid = new("meshgrid.indexing");
}

public static partial class torch
{
    // Views and rearrangements. A view shares its elements with the tensor.
    public partial class Tensor
    {
        public Tensor view(params long[] shape) => Aten.view.Call(this, shape);
        public Tensor view(ReadOnlySpan<long> shape) => Aten.view.Call(this, shape.ToArray());
        public Tensor view(ScalarType dtype) => Aten.view_dtype.Call(this, dtype);
        public Tensor view_as(Tensor other) => view(other.shape);
        public Tensor reshape(params long[] shape) => Aten.reshape.Call(this, shape);
        public Tensor reshape(ReadOnlySpan<long> shape) => Aten.reshape.Call(this, shape.ToArray());
        public Tensor reshape_as(Tensor other) => reshape(other.shape);
        public Tensor resize_(params long[] shape) => Aten.resize_.InPlace(this, this, shape);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Aten.flatten.Call(this, start_dim, end_dim);
        public Tensor unflatten(long dim, params long[] sizes) => Aten.unflatten.Call(this, dim, sizes);
        public Tensor ravel() => reshape(-1);
        public Tensor squeeze(long? dim = null) => dim is { } d ? Aten.squeeze_dim.Call(this, d) : Aten.squeeze.Call(this);
        public Tensor squeeze_(long? dim = null) => dim is { } d ? Aten.squeeze_dim_.InPlace(this, this, d) : Aten.squeeze_.InPlace(this, this);
        public Tensor unsqueeze(long dim) => Aten.unsqueeze.Call(this, dim);
        public Tensor unsqueeze_(long dim) => Aten.unsqueeze_.InPlace(this, this, dim);
        public Tensor transpose(long dim0, long dim1) => Aten.transpose.Call(this, dim0, dim1);
        public Tensor transpose_(long dim0, long dim1) => Aten.transpose_.InPlace(this, this, dim0, dim1);
        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor t() => Aten.t.Call(this);

        /// <summary>All dimensions reversed.</summary>
        public Tensor T => permute([.. Enumerable.Range(0, (int)ndim).Reverse().Select(d => (long)d)]);

        /// <summary>The last two dimensions swapped.</summary>
        public Tensor mT => transpose(-2, -1);

        public Tensor permute(params long[] permutation) => Aten.permute.Call(this, permutation);
        public Tensor movedim(long[] source, long[] destination) => Aten.movedim.Call(this, source, destination);
        public Tensor expand(long[] sizes, bool isImplicit = false) => Aten.expand.Call(this, sizes, isImplicit);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => expand(sizes.ToArray(), isImplicit);
        public Tensor expand(params long[] sizes) => Aten.expand.Call(this, sizes);
        public Tensor expand_as(Tensor other) => expand(other.shape);
        public Tensor broadcast_to(params long[] shape) => expand(shape);
        public Tensor repeat(params long[] sizes) => Aten.repeat.Call(this, sizes);
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => Aten.repeat_interleave.Call(this, repeats, dim, output_size);
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) => Aten.repeat_interleave_each.Call(this, repeats, dim, output_size);
        public Tensor tile(params long[] reps) => Aten.tile.Call(this, reps);
        public Tensor roll(long shifts, long? dims = null) => Aten.roll.Call(this, (long[])[shifts], dims is { } d ? (long[])[d] : (long[])[]);
        public Tensor roll(long[] shifts, long[]? dims = null) => Aten.roll.Call(this, shifts, dims ?? []);
        public Tensor flip(params long[] dims) => Aten.flip.Call(this, dims);
        public Tensor fliplr() => flip(1);
        public Tensor flipud() => flip(0);

        /// <summary>length entries of a dimension, from start on.</summary>
        public Tensor narrow(long dim, long start, long length) => Aten.narrow.Call(this, dim, start, length);

        /// <summary>The entries start, start + step, … before finish.</summary>
        public Tensor slice(long dim, long start, long finish, long step) => Aten.slice.Call(this, dim, start, finish, step);

        internal Tensor slice(long dim, long? start, long? finish, long? step) => Aten.slice.Call(this, dim, start, finish, step ?? 1);

        public Tensor select(long dim, long index) => Aten.select.Call(this, dim, index);
        public Tensor contiguous() => Aten.contiguous.Call(this);
        public Tensor[] chunk(long chunks, long dim = 0) => Aten.chunk.CallList(this, chunks, dim);
        public Tensor[] split(long size, long dim = 0) => Aten.split.CallList(this, size, dim);
        public Tensor[] split(long[] sizes, long dim = 0) => Aten.split_sizes.CallList(this, sizes, dim);
        public Tensor[] tensor_split(long size, long dim = 0) => Aten.tensor_split.CallList(this, size, dim);
        public Tensor[] unbind(long dim = 0L) => Aten.unbind.CallList(this, dim);
        public Tensor diag(long diagonal = 0) => Aten.diag.Call(this, diagonal);
        public Tensor diagonal(long offset = 0L, long dim1 = 0L, long dim2 = 1L) => Aten.diagonal.Call(this, offset, dim1, dim2);
        public Tensor tril(long diagonal = 0) => Aten.tril.Call(this, diagonal);
        public Tensor triu(long diagonal = 0) => Aten.triu.Call(this, diagonal);
        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0L) => Aten.as_strided.Call(this, size, strides, storageOffset);
        public Tensor unfold(long dimension, long size, long step) => Aten.unfold.Call(this, dimension, size, step);
    }

    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Aten.cat.Call(tensors as Tensor[] ?? [.. tensors], dim);
    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Aten.stack.Call(tensors as Tensor[] ?? [.. tensors], dim);
    public static Tensor hstack(params Tensor[] tensors) => cat(tensors, tensors[0].ndim == 1 ? 0 : 1);
    public static Tensor vstack(params Tensor[] tensors) => tensors[0].ndim > 1 ? cat(tensors) : stack(tensors);
    public static Tensor reshape(Tensor input, params long[] shape) => input.reshape(shape);
    public static Tensor flatten(Tensor input, long start_dim = 0, long end_dim = -1) => input.flatten(start_dim, end_dim);
    public static Tensor squeeze(Tensor input, long? dim = null) => input.squeeze(dim);
    public static Tensor unsqueeze(Tensor input, long dim) => input.unsqueeze(dim);
    public static Tensor transpose(Tensor input, long dim0, long dim1) => input.transpose(dim0, dim1);
    public static Tensor t(Tensor input) => input.t();
    public static Tensor permute(Tensor input, params long[] permutation) => input.permute(permutation);
    public static Tensor narrow(Tensor input, long dim, long start, long length) => input.narrow(dim, start, length);
    public static Tensor select(Tensor input, long dim, long index) => input.select(dim, index);
    public static Tensor tile(Tensor input, long[] reps) => input.tile(reps);
    public static Tensor roll(Tensor input, long shifts, long? dims = null) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, long[] shifts, long[]? dims = null) => input.roll(shifts, dims);
    public static Tensor flip(Tensor input, params long[] dims) => input.flip(dims);
    public static Tensor repeat_interleave(Tensor input, long repeats, long? dim = null, long? output_size = null) => input.repeat_interleave(repeats, dim, output_size);
    public static Tensor repeat_interleave(Tensor input, Tensor repeats, long? dim = null, long? output_size = null) => input.repeat_interleave(repeats, dim, output_size);
    public static Tensor[] chunk(Tensor input, long chunks, long dim = 0) => input.chunk(chunks, dim);
    public static Tensor[] split(Tensor tensor, long split_size_or_sections, long dim = 0L) => tensor.split(split_size_or_sections, dim);
    public static Tensor[] split(Tensor tensor, long[] split_size_or_sections, long dim = 0L) => tensor.split(split_size_or_sections, dim);
    public static Tensor[] unbind(Tensor input, long dim = 0L) => input.unbind(dim);
    public static Tensor diag(Tensor input, long diagonal = 0) => input.diag(diagonal);
    public static Tensor tril(Tensor input, long diagonal = 0) => input.tril(diagonal);
    public static Tensor triu(Tensor input, long diagonal = 0) => input.triu(diagonal);
    public static IList<Tensor> broadcast_tensors(params Tensor[] tensors) => Aten.broadcast_tensors.CallList(tensors);
    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") => Aten.meshgrid.CallList((Tensor[])[.. tensors], indexing);
}
