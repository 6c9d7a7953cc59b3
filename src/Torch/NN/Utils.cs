using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            /// <summary>Scales all gradients so that their joint norm is at most max_norm; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using var off = no_grad();
                using var scope = NewDisposeScope();
                var gradients = tensors.Select(t => t.grad).OfType<Tensor>().ToList();
                if (gradients.Count == 0)
                    return 0;
                var total = linalg.vector_norm(stack(gradients.Select(g => linalg.vector_norm(g, norm_type))), norm_type).ToDouble();
                var factor = max_norm / (total + 1e-6);
                if (factor < 1)
                    foreach (var gradient in gradients)
                        gradient.mul_(factor);
                return total;
            }

            /// <summary>Clamps every gradient element into [−clip_value, clip_value].</summary>
            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using var off = no_grad();
                using var scope = NewDisposeScope();
                foreach (var tensor in tensors)
                    tensor.grad?.clamp_(-clip_value, clip_value);
            }

            /// <summary>All parameters in one vector.</summary>
            public static Tensor parameters_to_vector(IEnumerable<Tensor> parameters)
            {
                using var scope = NewDisposeScope();
                return cat([.. parameters.Select(p => p.reshape(-1))]).MoveToOuterDisposeScope();
            }

            /// <summary>The reverse: copies the vector's parts into the parameters.</summary>
            public static void vector_to_parameters(Tensor vec, IEnumerable<Tensor> parameters)
            {
                using var off = no_grad();
                using var scope = NewDisposeScope();
                var at = 0L;
                foreach (var parameter in parameters)
                {
                    var n = parameter.numel();
                    parameter.copy_(vec.narrow(0, at, n).view_as(parameter));
                    at += n;
                }
            }
        }
    }
}
