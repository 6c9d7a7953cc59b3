using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A function with parameters, buffers and submodules, by name.</summary>
        public partial class Module : IDisposable
        {
            protected OrderedDict<string, Module> _internal_submodules = [];
            protected OrderedDict<string, Tensor> _internal_buffers = [];
            protected OrderedDict<string, Parameter> _internal_params = [];
            private readonly HashSet<string> transient = [];
            protected string name;
            private bool isTraining = true;
            private bool isRegistered;
            private bool isDisposed;

            protected Module(string name) => this.name = name;

            ~Module() => Dispose(false);

            public virtual string GetName() => name;

            public virtual bool training => isTraining;

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || isDisposed)
                    return;
                isDisposed = true;
                foreach (var (_, parameter) in _internal_params)
                    parameter.Dispose();
                foreach (var (_, buffer) in _internal_buffers)
                    buffer.Dispose();
                foreach (var (_, module) in _internal_submodules)
                    module.Dispose();
            }

            /// <summary>Registers every field that is a module, a parameter or a tensor under its own name; fields registered already are left.</summary>
            protected virtual void RegisterComponents()
            {
                if (isRegistered)
                    return;
                foreach (var field in GetType().GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
                {
                    var key = ComponentName(field);
                    if (_internal_submodules.ContainsKey(key) || _internal_params.ContainsKey(key) || _internal_buffers.ContainsKey(key))
                        continue;
                    switch (field.GetValue(this))
                    {
                        case Module module:
                            register_module(key, module);
                            break;
                        case Parameter parameter:
                            register_parameter(key, parameter);
                            break;
                        case Tensor tensor:
                            register_buffer(key, tensor);
                            break;
                    }
                }
                isRegistered = true;
            }

            private static string ComponentName(FieldInfo field) =>
                field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid)
                    throw new ArgumentNullException(nameof(tensor), "A null tensor cannot be registered as a buffer.");
                if (!_internal_buffers.TryAdd(name, tensor.DetachFromDisposeScope()))
                    throw new InvalidOperationException($"Tensor {name} is already registered.");
                if (!persistent)
                    transient.Add(name);
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid)
                    throw new ArgumentNullException(nameof(param), "A null tensor cannot be registered as a parameter.");
                if (!_internal_params.TryAdd(name, param))
                    throw new InvalidOperationException($"Parameter {name} is already registered.");
            }

            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null)
                {
                    _internal_submodules.Remove(name);
                    return;
                }
                if (name.Contains('.'))
                    throw new ArgumentException($"module name can't contain \".\", got: {name}");
                if (string.IsNullOrEmpty(name))
                    throw new ArgumentException("module name can't be empty string \"\"");
                if (_internal_submodules.ContainsKey(name))
                    throw new InvalidOperationException($"Sub-module {name} is already registered.");
                submodule.RegisterComponents();
                _internal_submodules.Add(name, submodule);
            }

            public void add_module(string name, Module module) => register_module(name, module);

            protected void ConditionallyRegisterParameter(string name, Tensor? value)
            {
                _internal_params.Remove(name);
                if (value is not null)
                    _internal_params.Add(name, value as Parameter ?? new Parameter(value));
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor? value)
            {
                _internal_buffers.Remove(name);
                if (value is not null)
                    _internal_buffers.Add(name, value);
            }

            protected void ClearModules() => _internal_submodules.clear();

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var (_, module) in _internal_submodules)
                    module.apply(fn);
                fn(this);
                return this;
            }

            public virtual void train(bool train = true)
            {
                isTraining = train;
                foreach (var (_, module) in _internal_submodules)
                    module.train(train);
            }

            public virtual void eval() => train(false);

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

            public virtual Module requires_grad_(bool requires_grad = true)
            {
                foreach (var parameter in parameters())
                    parameter.requires_grad = requires_grad;
                return this;
            }

            /// <summary>Moves and converts parameters and buffers; their objects and native identities stay, so an optimizer keeps working.</summary>
            internal void Move(ScalarType? type, Device? device)
            {
                foreach (var (_, tensor) in named_parameters().Select(p => (p.name, (Tensor)p.parameter)).Concat(named_buffers()))
                {
                    var wanted = type is { } t && (tensor.is_floating_point() || !is_floating_point(t)) ? type : null;
                    using var off = no_grad();
                    using var moved = tensor.to(wanted ?? tensor.dtype, device ?? tensor.device);
                    if (moved.Handle == tensor.Handle)
                        continue;
                    using var gradient = tensor.grad;
                    if (gradient is not null)
                    {
                        tensor.grad = null;
                        using var there = gradient.to(wanted ?? tensor.dtype, device ?? tensor.device);
                        tensor.set_data(moved);
                        tensor.grad = there;
                    }
                    else
                        tensor.set_data(moved);
                }
            }
        }
    }
}
