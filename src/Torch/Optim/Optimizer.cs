using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>Changes parameters by their gradients.</summary>
            public abstract partial class Optimizer : IDisposable
            {
                protected IList<ParamGroup> _parameter_groups = [];

                public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

                /// <summary>One step; the closure, if any, computes the loss, which is returned.</summary>
                public abstract Tensor? step(Func<Tensor>? closure = null);

                /// <summary>Drops the gradients (or zeroes them in place).</summary>
                public virtual void zero_grad(bool set_to_none = true)
                {
                    foreach (var parameter in parameters())
                        if (set_to_none)
                            parameter.grad = null;
                        else
                        {
                            using var gradient = parameter.grad;
                            gradient?.zero_();
                        }
                }

                public virtual IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Parameters);

                public virtual void add_param_group(ParamGroup param_group) => _parameter_groups.Add(param_group);

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                }

                /// <summary>The options of each parameter group and the state of each parameter.</summary>
                public class StateDictionary
                {
                    internal StateDictionary()
                    {
                    }

                    public List<OptimizerOptions> Options { get; } = [];

                    public List<OptimizerState> State { get; } = [];
                }
            }

            /// <summary>A learning rate that a schedule may change.</summary>
            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            public interface IMomentum
            {
                double Momentum { get; set; }
            }

            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>The options of a parameter group.</summary>
    public class OptimizerOptions
    {
        public double? LearningRate { get; set; }

        public double InitialLearningRate { get; set; }

        public virtual void SaveStateDict(BinaryWriter writer)
        {
            writer.Write(InitialLearningRate);
            writer.Write(LearningRate!.Value);
        }

        public virtual void LoadStateDict(BinaryReader reader)
        {
            InitialLearningRate = reader.ReadDouble();
            LearningRate = reader.ReadDouble();
        }

        public virtual void LoadStateDict(OptimizerOptions source)
        {
            InitialLearningRate = source.InitialLearningRate;
            LearningRate = source.LearningRate;
        }
    }

    /// <summary>What an optimizer remembers of one parameter.</summary>
    public abstract class OptimizerState
    {
        public abstract void SaveStateDict(BinaryWriter writer);

        public abstract void LoadStateDict(BinaryReader reader);

        public abstract void LoadStateDict(OptimizerState source);

        public virtual bool ApproximatelyEquals(OptimizerState other) => false;

        public virtual void to(torch.Device device)
        {
        }
    }

    /// <summary>Parameters that share options.</summary>
    public class ParamGroup : torch.optim.ILearningRateController
    {
        public IEnumerable<Parameter> Parameters { get; set; } = [];

        public OptimizerOptions? Options { get; set; }

        public double LearningRate
        {
            get => Options!.LearningRate!.Value;
            set => Options!.LearningRate = value;
        }

        public double InitialLearningRate
        {
            get => Options!.InitialLearningRate;
            set => Options!.InitialLearningRate = value;
        }
    }

    public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, TOptions? options = null)
        {
            Parameters = parameters;
            base.Options = options;
        }

        public new TOptions? Options
        {
            get => (TOptions?)base.Options;
            set => base.Options = value;
        }
    }
}
