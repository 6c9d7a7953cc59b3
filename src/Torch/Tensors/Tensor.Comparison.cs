using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op eq = new("eq.Tensor");
    internal static readonly Op eq_scalar = new("eq.Scalar");
    internal static readonly Op eq_ = new("eq_.Tensor");
    internal static readonly Op eq_scalar_ = new("eq_.Scalar");
    internal static readonly Op ne = new("ne.Tensor");
    internal static readonly Op ne_scalar = new("ne.Scalar");
    internal static readonly Op ne_ = new("ne_.Tensor");
    internal static readonly Op ne_scalar_ = new("ne_.Scalar");
    internal static readonly Op lt = new("lt.Tensor");
    internal static readonly Op lt_scalar = new("lt.Scalar");
    internal static readonly Op lt_ = new("lt_.Tensor");
    internal static readonly Op lt_scalar_ = new("lt_.Scalar");
    internal static readonly Op le = new("le.Tensor");
    internal static readonly Op le_scalar = new("le.Scalar");
    internal static readonly Op le_ = new("le_.Tensor");
    internal static readonly Op le_scalar_ = new("le_.Scalar");
    internal static readonly Op gt = new("gt.Tensor");
    internal static readonly Op gt_scalar = new("gt.Scalar");
    internal static readonly Op gt_ = new("gt_.Tensor");
    internal static readonly Op gt_scalar_ = new("gt_.Scalar");
    internal static readonly Op ge = new("ge.Tensor");
    internal static readonly Op ge_scalar = new("ge.Scalar");
    internal static readonly Op ge_ = new("ge_.Tensor");
    internal static readonly Op ge_scalar_ = new("ge_.Scalar");
    internal static readonly Op logical_and = new("logical_and");
    internal static readonly Op logical_and_ = new("logical_and_");
    internal static readonly Op logical_or = new("logical_or");
    internal static readonly Op logical_or_ = new("logical_or_");
    internal static readonly Op logical_xor = new("logical_xor");
    internal static readonly Op logical_xor_ = new("logical_xor_");
    internal static readonly Op bitwise_and = new("bitwise_and.Tensor");
    internal static readonly Op bitwise_and_ = new("bitwise_and_.Tensor");
    internal static readonly Op bitwise_or = new("bitwise_or.Tensor");
    internal static readonly Op bitwise_or_ = new("bitwise_or_.Tensor");
    internal static readonly Op bitwise_xor = new("bitwise_xor.Tensor");
    internal static readonly Op bitwise_xor_ = new("bitwise_xor_.Tensor");
    internal static readonly Op bitwise_not = new("bitwise_not");
    internal static readonly Op equal = new("equal");
    internal static readonly Op allclose = new("allclose");
    internal static readonly Op isclose = new("isclose");
}

public static partial class torch
{
    // Comparisons and logic, element by element; the result is Bool.
    public partial class Tensor
    {
        public Tensor eq(Tensor target) => Aten.eq.Call(this, target);
        public Tensor eq(Scalar target) => Aten.eq_scalar.Call(this, target);
        public Tensor eq_(Tensor target) => Aten.eq_.InPlace(this, this, target);
        public Tensor eq_(Scalar target) => Aten.eq_scalar_.InPlace(this, this, target);
        public Tensor ne(Tensor target) => Aten.ne.Call(this, target);
        public Tensor ne(Scalar target) => Aten.ne_scalar.Call(this, target);
        public Tensor ne_(Tensor target) => Aten.ne_.InPlace(this, this, target);
        public Tensor ne_(Scalar target) => Aten.ne_scalar_.InPlace(this, this, target);
        public Tensor lt(Tensor target) => Aten.lt.Call(this, target);
        public Tensor lt(Scalar target) => Aten.lt_scalar.Call(this, target);
        public Tensor lt_(Tensor target) => Aten.lt_.InPlace(this, this, target);
        public Tensor lt_(Scalar target) => Aten.lt_scalar_.InPlace(this, this, target);
        public Tensor le(Tensor target) => Aten.le.Call(this, target);
        public Tensor le(Scalar target) => Aten.le_scalar.Call(this, target);
        public Tensor le_(Tensor target) => Aten.le_.InPlace(this, this, target);
        public Tensor le_(Scalar target) => Aten.le_scalar_.InPlace(this, this, target);
        public Tensor gt(Tensor target) => Aten.gt.Call(this, target);
        public Tensor gt(Scalar target) => Aten.gt_scalar.Call(this, target);
        public Tensor gt_(Tensor target) => Aten.gt_.InPlace(this, this, target);
        public Tensor gt_(Scalar target) => Aten.gt_scalar_.InPlace(this, this, target);
        public Tensor ge(Tensor target) => Aten.ge.Call(this, target);
        public Tensor ge(Scalar target) => Aten.ge_scalar.Call(this, target);
        public Tensor ge_(Tensor target) => Aten.ge_.InPlace(this, this, target);
        public Tensor ge_(Scalar target) => Aten.ge_scalar_.InPlace(this, this, target);

        public Tensor logical_and(Tensor other) => Aten.logical_and.Call(this, other);
        public Tensor logical_and_(Tensor other) => Aten.logical_and_.InPlace(this, this, other);
        public Tensor logical_or(Tensor other) => Aten.logical_or.Call(this, other);
        public Tensor logical_or_(Tensor other) => Aten.logical_or_.InPlace(this, this, other);
        public Tensor logical_xor(Tensor other) => Aten.logical_xor.Call(this, other);
        public Tensor logical_xor_(Tensor other) => Aten.logical_xor_.InPlace(this, this, other);
        public Tensor bitwise_and(Tensor other) => Aten.bitwise_and.Call(this, other);
        public Tensor bitwise_and_(Tensor other) => Aten.bitwise_and_.InPlace(this, this, other);
        public Tensor bitwise_or(Tensor other) => Aten.bitwise_or.Call(this, other);
        public Tensor bitwise_or_(Tensor other) => Aten.bitwise_or_.InPlace(this, this, other);
        public Tensor bitwise_xor(Tensor other) => Aten.bitwise_xor.Call(this, other);
        public Tensor bitwise_xor_(Tensor other) => Aten.bitwise_xor_.InPlace(this, this, other);
        public Tensor bitwise_not() => Aten.bitwise_not.Call(this);

        public Tensor not_equal(Tensor target) => ne(target);
        public Tensor less(Tensor target) => lt(target);
        public Tensor less_equal(Tensor target) => le(target);
        public Tensor greater(Tensor target) => gt(target);
        public Tensor greater_equal(Tensor target) => ge(target);

        /// <summary>Whether shape and all elements are the same.</summary>
        public bool equal(Tensor target) => Aten.equal.CallBits(this, target) != 0;

        /// <summary>Whether all elements are within atol + rtol·|target|.</summary>
        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
            Aten.allclose.CallBits(this, target, rtol, atol, equal_nan) != 0;

        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) =>
            Aten.isclose.Call(this, other, rtol, atol, nanEqual);
    }

    public static Tensor eq(Tensor left, Tensor right) => left.eq(right);
    public static Tensor eq(Tensor left, Scalar right) => left.eq(right);
    public static Tensor ne(Tensor left, Tensor right) => left.ne(right);
    public static Tensor ne(Tensor left, Scalar right) => left.ne(right);
    public static Tensor lt(Tensor left, Tensor right) => left.lt(right);
    public static Tensor lt(Tensor left, Scalar right) => left.lt(right);
    public static Tensor le(Tensor left, Tensor right) => left.le(right);
    public static Tensor le(Tensor left, Scalar right) => left.le(right);
    public static Tensor gt(Tensor left, Tensor right) => left.gt(right);
    public static Tensor gt(Tensor left, Scalar right) => left.gt(right);
    public static Tensor ge(Tensor left, Tensor right) => left.ge(right);
    public static Tensor ge(Tensor left, Scalar right) => left.ge(right);
    public static Tensor logical_and(Tensor input, Tensor other) => input.logical_and(other);
    public static Tensor logical_or(Tensor input, Tensor other) => input.logical_or(other);
    public static Tensor logical_xor(Tensor input, Tensor other) => input.logical_xor(other);
    public static Tensor bitwise_and(Tensor left, Tensor right) => left.bitwise_and(right);
    public static Tensor bitwise_or(Tensor left, Tensor right) => left.bitwise_or(right);
    public static Tensor bitwise_xor(Tensor left, Tensor right) => left.bitwise_xor(right);
    public static bool equal(Tensor tensor, Tensor other) => tensor.equal(other);
    public static bool allclose(Tensor tensor, Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
        tensor.allclose(target, rtol, atol, equal_nan);
    public static Tensor bitwise_not(Tensor input) => input.bitwise_not();
    public static Tensor isclose(Tensor tensor, Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) =>
        tensor.isclose(other, rtol, atol, nanEqual);
}
