using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op matmul = new("matmul");
    internal static readonly Op mm = new("mm");
    internal static readonly Op bmm = new("bmm");
    internal static readonly Op mv = new("mv");
    internal static readonly Op dot = new("dot");
    internal static readonly Op outer = new("outer");
    internal static readonly Op addmm = new("addmm");
    internal static readonly Op addmm_ = new("addmm_");
    internal static readonly Op addmv = new("addmv");
    internal static readonly Op addbmm = new("addbmm");
    internal static readonly Op baddbmm = new("baddbmm");
    internal static readonly Op einsum = new("einsum");
    internal static readonly Op tensordot = new("tensordot");
    internal static readonly Op cdist = new("cdist");
    internal static readonly Op inverse = new("inverse");
    internal static readonly Op det = new("det");
    internal static readonly Op qr = new("linalg_qr");
    internal static readonly Op solve = new("linalg_solve");
    internal static readonly Op vector_norm = new("linalg_vector_norm");
    internal static readonly Op trace = new("trace");
}

public static partial class torch
{
    // Products of matrices and vectors.
    public partial class Tensor
    {
        public Tensor matmul(Tensor target) => Aten.matmul.Call(this, target);

        /// <summary>[n, m] · [m, p] → [n, p].</summary>
        public Tensor mm(Tensor target) => Aten.mm.Call(this, target);

        /// <summary>[b, n, m] · [b, m, p] → [b, n, p].</summary>
        public Tensor bmm(Tensor batch2) => Aten.bmm.Call(this, batch2);

        public Tensor mv(Tensor vec) => Aten.mv.Call(this, vec);
        public Tensor dot(Tensor target) => Aten.dot.Call(this, target);
        public Tensor outer(Tensor vec2) => Aten.outer.Call(this, vec2);

        /// <summary>beta · this + alpha · (mat1 · mat2).</summary>
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Aten.addmm.Call(this, mat1, mat2, (double)beta, (double)alpha);
        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Aten.addmm_.InPlace(this, this, mat1, mat2, (double)beta, (double)alpha);
        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1.0f, float alpha = 1.0f) => Aten.addmv.Call(this, mat, vec, (double)beta, (double)alpha);
        public Tensor addbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Aten.addbmm.Call(this, batch1, batch2, (double)beta, (double)alpha);

        /// <summary>beta · this + alpha · (batch1 · batch2), matrix by matrix.</summary>
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Aten.baddbmm.Call(this, batch1, batch2, (double)beta, (double)alpha);

        public Tensor inverse() => Aten.inverse.Call(this);
        public Tensor det() => Aten.det.Call(this);
        public Tensor trace() => Aten.trace.Call(this);
    }

    public static Tensor matmul(Tensor input, Tensor target) => input.matmul(target);
    public static Tensor mm(Tensor input, Tensor target) => input.mm(target);
    public static Tensor bmm(Tensor input, Tensor batch2) => input.bmm(batch2);
    public static Tensor mv(Tensor input, Tensor target) => input.mv(target);
    public static Tensor dot(Tensor input, Tensor target) => input.dot(target);
    public static Tensor outer(Tensor input, Tensor vec2) => input.outer(vec2);
    public static Tensor addmm(Tensor input, Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => input.addmm(mat1, mat2, beta, alpha);
    public static Tensor addmv(Tensor input, Tensor mat, Tensor vec, float beta = 1.0f, float alpha = 1.0f) => input.addmv(mat, vec, beta, alpha);
    public static Tensor addbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => input.addbmm(batch1, batch2, beta, alpha);
    public static Tensor baddbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => input.baddbmm(batch1, batch2, beta, alpha);

    /// <summary>Einstein summation, such as "bi,bij-&gt;bj".</summary>
    public static Tensor einsum(string equation, params Tensor[] tensors) => Aten.einsum.Call(equation, tensors);

    public static Tensor tensordot(Tensor input1, Tensor input2, long[] dims1, long[] dims2) => Aten.tensordot.Call(input1, input2, dims1, dims2);
    public static Tensor cdist(Tensor x1, Tensor x2, double p = 2.0) => Aten.cdist.Call(x1, x2, p);
    public static Tensor trace(Tensor input) => input.trace();

    public static class linalg
    {
        public static Tensor inv(Tensor input) => input.inverse();
        public static Tensor det(Tensor input) => input.det();
        public static (Tensor Q, Tensor R) qr(Tensor input) => Aten.qr.Call2(input);
        public static Tensor solve(Tensor A, Tensor B) => Aten.solve.Call(A, B);
        public static Tensor vector_norm(Tensor input, double ord = 2d, long[]? dims = null, bool keepdim = false) =>
            Aten.vector_norm.Call(input, ord, dims, keepdim);
    }
}
