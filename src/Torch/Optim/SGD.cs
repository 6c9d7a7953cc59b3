using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>Stochastic gradient descent, optionally with momentum.</summary>
            public static SGD SGD(
                IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0,
                bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(
                IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0, double dampening = 0,
                double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(
                IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0,
                bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>θ ← θ − lr · g, g with momentum and weight decay.</summary>
    public class SGD : OptimizerHelper, torch.optim.IMomentum
    {
        public SGD(
            IEnumerable<Parameter> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0,
            bool nesterov = false, bool maximize = false)
            : this([new ParamGroup { Parameters = parameters }], lr, momentum, dampening, weight_decay, nesterov, maximize)
        {
        }

        public SGD(
            IEnumerable<ParamGroup> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0,
            bool nesterov = false, bool maximize = false)
        {
            if (lr < 0)
                throw new ArgumentException($"Invalid learning rate: {lr}");
            if (momentum < 0)
                throw new ArgumentException($"Invalid momentum value: {momentum}");
            if (weight_decay < 0)
                throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
            if (nesterov && (momentum <= 0 || dampening != 0))
                throw new ArgumentException("Nesterov momentum requires a momentum and zero dampening");
            _defaults = new Options
            {
                LearningRate = lr,
                InitialLearningRate = lr,
                momentum = momentum,
                dampening = dampening,
                weight_decay = weight_decay,
                nesterov = nesterov,
                maximize = maximize,
            };
            foreach (var group in parameters)
                add_param_group(group);
        }

        public double Momentum
        {
            get => ((Options)_defaults!).momentum!.Value;
            set
            {
                foreach (var group in _parameter_groups)
                    ((Options)group.Options!).momentum = value;
            }
        }

        public override torch.Tensor? step(Func<torch.Tensor>? closure = null) => _step<ParamGroup>(group =>
        {
            foreach (var parameter in group.Parameters)
                if (parameter.grad is { } gradient)
                    Update(parameter, gradient, group.Options!, (State)_state[parameter.Handle]);
        }, closure);

        public override void add_param_group(Modules.ParamGroup param_group)
        {
            var options = (Options)(param_group.Options ??= new Options());
            options.Complete((Options)_defaults!);
            param_group.Parameters = [.. param_group.Parameters];
            _parameter_groups.Add(param_group);
            foreach (var parameter in param_group.Parameters)
                _state[parameter.Handle] = new State();
        }

        private static void Update(Parameter parameter, torch.Tensor gradient, Options options, State state)
        {
            var (lr, momentum) = (options.LearningRate!.Value, options.momentum!.Value);
            if (options.weight_decay!.Value != 0)
                gradient = gradient.add(parameter, options.weight_decay.Value);
            if (momentum != 0)
            {
                if (state.momentum_buffer is null)
                    state.momentum_buffer = gradient.clone().DetachFromDisposeScope();
                else
                    state.momentum_buffer.mul_(momentum).add_(gradient, 1 - options.dampening!.Value);
                gradient = options.nesterov!.Value ? gradient.add(state.momentum_buffer, momentum) : state.momentum_buffer;
            }
            parameter.add_(gradient, options.maximize!.Value ? lr : -lr);
        }

        public class State : OptimizerState, IDisposable
        {
            public torch.Tensor? momentum_buffer;

            public void Dispose() => momentum_buffer?.Dispose();

            public override void to(torch.Device device)
            {
                using var here = momentum_buffer;
                momentum_buffer = here?.to(device).DetachFromDisposeScope();
            }

            public override void SaveStateDict(BinaryWriter writer)
            {
                writer.Write(momentum_buffer is not null);
                if (momentum_buffer is null)
                    return;
                var shape = momentum_buffer.shape;
                writer.Write(shape.Length);
                foreach (var size in shape)
                    writer.Write(size);
                momentum_buffer.Save(writer);
            }

            public override void LoadStateDict(BinaryReader reader)
            {
                momentum_buffer?.Dispose();
                momentum_buffer = null;
                if (!reader.ReadBoolean())
                    return;
                var shape = new long[reader.ReadInt32()];
                for (var d = 0; d < shape.Length; d++)
                    shape[d] = reader.ReadInt64();
                momentum_buffer = torch.empty(shape).DetachFromDisposeScope();
                momentum_buffer.Load(reader);
            }

            public override void LoadStateDict(OptimizerState source)
            {
                momentum_buffer?.Dispose();
                momentum_buffer = ((State)source).momentum_buffer?.clone().DetachFromDisposeScope();
            }

            public override bool ApproximatelyEquals(OptimizerState other) =>
                other is State rhs && (momentum_buffer is null || (rhs.momentum_buffer is { } theirs && momentum_buffer.allclose(theirs)));
        }

        public class Options : OptimizerOptions
        {
            public double? momentum;
            public double? dampening;
            public double? weight_decay;
            public bool? nesterov;
            public bool? maximize;

            public override void SaveStateDict(BinaryWriter writer)
            {
                base.SaveStateDict(writer);
                writer.Write(momentum!.Value);
                writer.Write(dampening!.Value);
                writer.Write(weight_decay!.Value);
                writer.Write(nesterov!.Value);
                writer.Write(maximize!.Value);
            }

            public override void LoadStateDict(BinaryReader reader)
            {
                base.LoadStateDict(reader);
                momentum = reader.ReadDouble();
                dampening = reader.ReadDouble();
                weight_decay = reader.ReadDouble();
                nesterov = reader.ReadBoolean();
                maximize = reader.ReadBoolean();
            }

            public override void LoadStateDict(OptimizerOptions source)
            {
                base.LoadStateDict(source);
                var other = (Options)source;
                (momentum, dampening, weight_decay) = (other.momentum, other.dampening, other.weight_decay);
                (nesterov, maximize) = (other.nesterov, other.maximize);
            }

            internal void Complete(Options defaults)
            {
                LearningRate ??= defaults.LearningRate;
                momentum ??= defaults.momentum;
                dampening ??= defaults.dampening;
                weight_decay ??= defaults.weight_decay;
                nesterov ??= defaults.nesterov;
                maximize ??= defaults.maximize;
                InitialLearningRate = LearningRate!.Value;
            }
        }

        public class ParamGroup : ParamGroup<Options>, torch.optim.IMomentum
        {
            public ParamGroup()
            {
            }

            public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
            {
            }

            public double Momentum
            {
                get => Options!.momentum!.Value;
                set => Options!.momentum = value;
            }
        }
    }
}
