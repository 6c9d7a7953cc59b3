using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op add = new("add.Tensor");
    internal static readonly Op add_scalar = new("add.Scalar");
    internal static readonly Op add_ = new("add_.Tensor");
    internal static readonly Op add_scalar_ = new("add_.Scalar");
    internal static readonly Op sub = new("sub.Tensor");
    internal static readonly Op sub_scalar = new("sub.Scalar");
    internal static readonly Op sub_ = new("sub_.Tensor");
    internal static readonly Op sub_scalar_ = new("sub_.Scalar");
    internal static readonly Op mul = new("mul.Tensor");
    internal static readonly Op mul_scalar = new("mul.Scalar");
    internal static readonly Op mul_ = new("mul_.Tensor");
    internal static readonly Op mul_scalar_ = new("mul_.Scalar");
    internal static readonly Op div = new("div.Tensor");
    internal static readonly Op div_scalar = new("div.Scalar");
    internal static readonly Op div_ = new("div_.Tensor");
    internal static readonly Op div_scalar_ = new("div_.Scalar");
    internal static readonly Op remainder = new("remainder.Tensor");
    internal static readonly Op remainder_scalar = new("remainder.Scalar");
    internal static readonly Op remainder_ = new("remainder_.Tensor");
    internal static readonly Op remainder_scalar_ = new("remainder_.Scalar");
    internal static readonly Op fmod = new("fmod.Tensor");
    internal static readonly Op fmod_scalar = new("fmod.Scalar");
    internal static readonly Op fmod_ = new("fmod_.Tensor");
    internal static readonly Op fmod_scalar_ = new("fmod_.Scalar");
    internal static readonly Op floor_divide = new("floor_divide");
    internal static readonly Op floor_divide_scalar = new("floor_divide.Scalar");
    internal static readonly Op floor_divide_ = new("floor_divide_.Tensor");
    internal static readonly Op floor_divide_scalar_ = new("floor_divide_.Scalar");
    internal static readonly Op pow = new("pow.Tensor_Tensor");
    internal static readonly Op pow_scalar = new("pow.Tensor_Scalar");
    internal static readonly Op pow_ = new("pow_.Tensor");
    internal static readonly Op pow_scalar_ = new("pow_.Scalar");
    internal static readonly Op pow_base = new("pow.Scalar");
    internal static readonly Op maximum = new("maximum");
    internal static readonly Op minimum = new("minimum");
    internal static readonly Op fmax = new("fmax");
    internal static readonly Op fmin = new("fmin");
    internal static readonly Op atan2 = new("atan2");
    internal static readonly Op hypot = new("hypot");
    internal static readonly Op copysign = new("copysign.Tensor");
    internal static readonly Op clamp = new("clamp");
    internal static readonly Op clamp_tensor = new("clamp.Tensor");
    internal static readonly Op clamp_ = new("clamp_");
    internal static readonly Op clamp_tensor_ = new("clamp_.Tensor");
    internal static readonly Op addcmul = new("addcmul");
    internal static readonly Op addcmul_ = new("addcmul_");
    internal static readonly Op addcdiv = new("addcdiv");
    internal static readonly Op addcdiv_ = new("addcdiv_");
    internal static readonly Op lerp = new("lerp.Tensor");
    internal static readonly Op lerp_scalar = new("lerp.Scalar");
    internal static readonly Op lerp_ = new("lerp_.Tensor");
    internal static readonly Op lerp_scalar_ = new("lerp_.Scalar");
    internal static readonly Op xlogy = new("xlogy.Tensor");
    internal static readonly Op logaddexp = new("logaddexp");
    internal static readonly Op logit = new("logit");
    internal static readonly Op heaviside = new("heaviside");
    internal static readonly Op nan_to_num = new("nan_to_num");
}

public static partial class torch
{
    // Arithmetic with broadcasting.
    public partial class Tensor
    {
        public Tensor add(Tensor target) => Aten.add.Call(this, target);
        public Tensor add(Tensor target, Scalar alpha) => Aten.add.Call(this, target, alpha);
        public Tensor add(Scalar scalar) => Aten.add_scalar.Call(this, scalar);
        public Tensor add(Scalar scalar, Scalar alpha) => Aten.add_scalar.Call(this, scalar, alpha);
        public Tensor add_(Tensor target) => Aten.add_.InPlace(this, this, target);
        public Tensor add_(Tensor target, Scalar alpha) => Aten.add_.InPlace(this, this, target, alpha);
        public Tensor add_(Scalar scalar) => Aten.add_scalar_.InPlace(this, this, scalar);
        public Tensor add_(Scalar scalar, Scalar alpha) => Aten.add_scalar_.InPlace(this, this, scalar, alpha);

        public Tensor sub(Tensor target) => Aten.sub.Call(this, target);
        public Tensor sub(Tensor target, Scalar alpha) => Aten.sub.Call(this, target, alpha);
        public Tensor sub(Scalar scalar) => Aten.sub_scalar.Call(this, scalar);
        public Tensor sub(Scalar scalar, Scalar alpha) => Aten.sub_scalar.Call(this, scalar, alpha);
        public Tensor sub_(Tensor target) => Aten.sub_.InPlace(this, this, target);
        public Tensor sub_(Tensor target, Scalar alpha) => Aten.sub_.InPlace(this, this, target, alpha);
        public Tensor sub_(Scalar scalar) => Aten.sub_scalar_.InPlace(this, this, scalar);
        public Tensor sub_(Scalar scalar, Scalar alpha) => Aten.sub_scalar_.InPlace(this, this, scalar, alpha);

        public Tensor mul(Tensor target) => Aten.mul.Call(this, target);
        public Tensor mul(Scalar scalar) => Aten.mul_scalar.Call(this, scalar);
        public Tensor mul_(Tensor target) => Aten.mul_.InPlace(this, this, target);
        public Tensor mul_(Scalar scalar) => Aten.mul_scalar_.InPlace(this, this, scalar);

        public Tensor div(Tensor target) => Aten.div.Call(this, target);
        public Tensor div(Scalar scalar) => Aten.div_scalar.Call(this, scalar);
        public Tensor div_(Tensor target) => Aten.div_.InPlace(this, this, target);
        public Tensor div_(Scalar scalar) => Aten.div_scalar_.InPlace(this, this, scalar);

        public Tensor remainder(Tensor target) => Aten.remainder.Call(this, target);
        public Tensor remainder(Scalar scalar) => Aten.remainder_scalar.Call(this, scalar);
        public Tensor remainder_(Tensor target) => Aten.remainder_.InPlace(this, this, target);
        public Tensor remainder_(Scalar scalar) => Aten.remainder_scalar_.InPlace(this, this, scalar);

        public Tensor fmod(Tensor target) => Aten.fmod.Call(this, target);
        public Tensor fmod(Scalar scalar) => Aten.fmod_scalar.Call(this, scalar);
        public Tensor fmod_(Tensor target) => Aten.fmod_.InPlace(this, this, target);
        public Tensor fmod_(Scalar scalar) => Aten.fmod_scalar_.InPlace(this, this, scalar);

        public Tensor floor_divide(Tensor target) => Aten.floor_divide.Call(this, target);
        public Tensor floor_divide(Scalar scalar) => Aten.floor_divide_scalar.Call(this, scalar);
        public Tensor floor_divide_(Tensor target) => Aten.floor_divide_.InPlace(this, this, target);
        public Tensor floor_divide_(Scalar scalar) => Aten.floor_divide_scalar_.InPlace(this, this, scalar);

        public Tensor pow(Tensor exponent) => Aten.pow.Call(this, exponent);
        public Tensor pow(Scalar exponent) => Aten.pow_scalar.Call(this, exponent);
        public Tensor pow_(Tensor exponent) => Aten.pow_.InPlace(this, this, exponent);
        public Tensor pow_(Scalar exponent) => Aten.pow_scalar_.InPlace(this, this, exponent);
        public Tensor maximum(Tensor other) => Aten.maximum.Call(this, other);
        public Tensor minimum(Tensor other) => Aten.minimum.Call(this, other);
        public Tensor fmax(Tensor other) => Aten.fmax.Call(this, other);
        public Tensor fmin(Tensor other) => Aten.fmin.Call(this, other);
        public Tensor atan2(Tensor other) => Aten.atan2.Call(this, other);
        public Tensor hypot(Tensor other) => Aten.hypot.Call(this, other);
        public Tensor copysign(Tensor other) => Aten.copysign.Call(this, other);
        public Tensor xlogy(Tensor y) => Aten.xlogy.Call(this, y);
        public Tensor logaddexp(Tensor other) => Aten.logaddexp.Call(this, other);
        public Tensor logit(double? eps = null) => Aten.logit.Call(this, eps);
        public Tensor heaviside(Tensor other) => Aten.heaviside.Call(this, other);
        public Tensor nan_to_num(double? nan = null, double? posinf = null, double? neginf = null) => Aten.nan_to_num.Call(this, nan, posinf, neginf);

        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Aten.clamp.Call(this, min, max);
        public Tensor clamp(Tensor? min = null, Tensor? max = null) => Aten.clamp_tensor.Call(this, min, max);
        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Aten.clamp_.InPlace(this, this, min, max);
        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => Aten.clamp_tensor_.InPlace(this, this, min, max);
        public Tensor clip(Scalar? min = null, Scalar? max = null) => clamp(min, max);
        public Tensor clip_(Scalar? min = null, Scalar? max = null) => clamp_(min, max);
        public Tensor clamp_max(Scalar max) => clamp(null, max);
        public Tensor clamp_max(Tensor max) => clamp(null, max);
        public Tensor clamp_min(Scalar min) => clamp(min, null);
        public Tensor clamp_min(Tensor min) => clamp(min, null);

        /// <summary>this + value · tensor1 · tensor2.</summary>
        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.addcmul.Call(this, tensor1, tensor2, value);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.addcmul_.InPlace(this, this, tensor1, tensor2, value);

        /// <summary>this + value · tensor1 / tensor2.</summary>
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.addcdiv.Call(this, tensor1, tensor2, value);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => addcdiv(tensor1, tensor2, 1);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.addcdiv_.InPlace(this, this, tensor1, tensor2, value);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => addcdiv_(tensor1, tensor2, 1);

        /// <summary>this + weight · (end − this).</summary>
        public Tensor lerp(Tensor end, Tensor weight) => Aten.lerp.Call(this, end, weight);
        public Tensor lerp(Tensor end, Scalar weight) => Aten.lerp_scalar.Call(this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => Aten.lerp_.InPlace(this, this, end, weight);
        public Tensor lerp_(Tensor end, Scalar weight) => Aten.lerp_scalar_.InPlace(this, this, end, weight);
    }

    public static Tensor add(Tensor left, Tensor right) => left.add(right);
    public static Tensor add(Tensor left, Scalar right) => left.add(right);
    public static Tensor add(Tensor left, Tensor right, Scalar alpha) => left.add(right, alpha);
    public static Tensor add(Tensor left, Scalar right, Scalar alpha) => left.add(right, alpha);
    public static Tensor add_(Tensor left, Tensor right) => left.add_(right);
    public static Tensor add_(Tensor left, Scalar right) => left.add_(right);
    public static Tensor add_(Tensor left, Tensor right, Scalar alpha) => left.add_(right, alpha);
    public static Tensor add_(Tensor left, Scalar right, Scalar alpha) => left.add_(right, alpha);
    public static Tensor sub(Tensor left, Tensor right) => left.sub(right);
    public static Tensor sub(Tensor left, Scalar right) => left.sub(right);
    public static Tensor sub(Tensor left, Tensor right, Scalar alpha) => left.sub(right, alpha);
    public static Tensor sub(Tensor left, Scalar right, Scalar alpha) => left.sub(right, alpha);
    public static Tensor sub_(Tensor left, Tensor right) => left.sub_(right);
    public static Tensor sub_(Tensor left, Scalar right) => left.sub_(right);
    public static Tensor sub_(Tensor left, Tensor right, Scalar alpha) => left.sub_(right, alpha);
    public static Tensor sub_(Tensor left, Scalar right, Scalar alpha) => left.sub_(right, alpha);
    public static Tensor mul(Tensor left, Tensor right) => left.mul(right);
    public static Tensor mul(Tensor left, Scalar right) => left.mul(right);
    public static Tensor mul_(Tensor left, Tensor right) => left.mul_(right);
    public static Tensor mul_(Tensor left, Scalar right) => left.mul_(right);
    public static Tensor div(Tensor left, Tensor right) => left.div(right);
    public static Tensor div(Tensor left, Scalar right) => left.div(right);
    public static Tensor div_(Tensor left, Tensor right) => left.div_(right);
    public static Tensor div_(Tensor left, Scalar right) => left.div_(right);
    public static Tensor remainder(Tensor left, Tensor right) => left.remainder(right);
    public static Tensor remainder(Tensor left, Scalar right) => left.remainder(right);
    public static Tensor remainder_(Tensor left, Tensor right) => left.remainder_(right);
    public static Tensor remainder_(Tensor left, Scalar right) => left.remainder_(right);
    public static Tensor fmod(Tensor left, Tensor right) => left.fmod(right);
    public static Tensor fmod(Tensor left, Scalar right) => left.fmod(right);
    public static Tensor fmod_(Tensor left, Tensor right) => left.fmod_(right);
    public static Tensor fmod_(Tensor left, Scalar right) => left.fmod_(right);
    public static Tensor floor_divide(Tensor left, Tensor right) => left.floor_divide(right);
    public static Tensor floor_divide(Tensor left, Scalar right) => left.floor_divide(right);
    public static Tensor floor_divide_(Tensor left, Tensor right) => left.floor_divide_(right);
    public static Tensor floor_divide_(Tensor left, Scalar right) => left.floor_divide_(right);
    public static Tensor pow(Tensor left, Tensor exponent) => left.pow(exponent);
    public static Tensor pow(Tensor left, Scalar exponent) => left.pow(exponent);
    public static Tensor pow(Scalar left, Tensor exponent) => Aten.pow_base.Call(left, exponent);
    public static Tensor maximum(Tensor input, Tensor other) => input.maximum(other);
    public static Tensor minimum(Tensor input, Tensor other) => input.minimum(other);
    public static Tensor fmax(Tensor input, Tensor other) => input.fmax(other);
    public static Tensor fmin(Tensor input, Tensor other) => input.fmin(other);
    public static Tensor atan2(Tensor input, Tensor other) => input.atan2(other);
    public static Tensor hypot(Tensor input, Tensor other) => input.hypot(other);
    public static Tensor logaddexp(Tensor x, Tensor y) => x.logaddexp(y);
    public static Tensor xlogy(Tensor x, Tensor y) => x.xlogy(y);
    public static Tensor logit(Tensor input, double? eps = null) => input.logit(eps);
    public static Tensor nan_to_num(Tensor input, double? nan = null, double? posinf = null, double? neginf = null) => input.nan_to_num(nan, posinf, neginf);
    public static Tensor clamp(Tensor input, Scalar? min = null, Scalar? max = null) => input.clamp(min, max);
    public static Tensor clamp(Tensor input, Tensor? min = null, Tensor? max = null) => input.clamp(min, max);
    public static Tensor clamp_(Tensor input, Scalar? min = null, Scalar? max = null) => input.clamp_(min, max);
    public static Tensor clip(Tensor input, Scalar? min = null, Scalar? max = null) => input.clamp(min, max);
    public static Tensor addcmul(Tensor input, Tensor tensor1, Tensor tensor2, Scalar value) => input.addcmul(tensor1, tensor2, value);
    public static Tensor addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, Scalar value) => input.addcdiv(tensor1, tensor2, value);
    public static Tensor lerp(Tensor input, Tensor end, Tensor weight) => input.lerp(end, weight);
    public static Tensor lerp(Tensor input, Tensor end, Scalar weight) => input.lerp(end, weight);
}
