using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        // What a module contains: by name, recursively, and as a dictionary of tensors.
        public partial class Module
        {
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) =>
                Distinct(_internal_params.Select(p => (p.Key, p.Value)).Concat(Nested(recurse, m => m.named_parameters())));

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true) =>
                Distinct(_internal_buffers.Select(b => (b.Key, b.Value)).Concat(Nested(recurse, m => m.named_buffers())));

            public virtual IEnumerable<Tensor> buffers(bool recurse = true) => named_buffers(recurse).Select(b => b.buffer);

            public virtual IEnumerable<(string name, Module module)> named_children() => _internal_submodules.Select(m => (m.Key, m.Value));

            public virtual IEnumerable<Module> children() => named_children().Select(c => c.module);

            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var (key, module) in _internal_submodules)
                    yield return (key, module);
                foreach (var (key, module) in _internal_submodules)
                    foreach (var (inner, nested) in module.named_modules())
                        yield return ($"{key}.{inner}", nested);
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            public virtual bool has_parameter(string target) => get_parameter(target) is not null;

            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            public virtual Parameter? get_parameter(string target) => named_parameters().FirstOrDefault(p => p.name == target).parameter;

            public virtual Tensor? get_buffer(string target) => named_buffers().FirstOrDefault(b => b.name == target).buffer;

            /// <summary>Parameters and buffers by their full names; the tensors themselves, not copies.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                string Full(string key) => string.IsNullOrEmpty(prefix) ? key : $"{prefix}.{key}";
                foreach (var (key, parameter) in _internal_params)
                    destination.TryAdd(Full(key), parameter);
                foreach (var (key, buffer) in _internal_buffers)
                    if (!transient.Contains(key))
                        destination.TryAdd(Full(key), buffer);
                foreach (var (key, module) in _internal_submodules)
                    module.state_dict(destination, Full(key));
                return destination;
            }

            /// <summary>Copies a state dictionary's tensors into this module's, converting type and device.</summary>
            /// <exception cref="InvalidOperationException">strict, and the names differ.</exception>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                skip ??= [];
                var destination = state_dict();
                var unexpected = source.Keys.Where(k => !skip.Contains(k) && !destination.ContainsKey(k)).ToList();
                var missing = destination.Keys.Where(k => !skip.Contains(k) && !source.ContainsKey(k)).ToList();
                if (strict && (missing.Count > 0 || unexpected.Count > 0))
                    throw new InvalidOperationException(
                        "The loaded state_dict is not identical to the target dictionary."
                        + $" Missing: {string.Join(", ", missing)}. Unexpected: {string.Join(", ", unexpected)}.");
                using var off = no_grad();
                foreach (var (key, tensor) in source)
                    if (!skip.Contains(key) && destination.TryGetValue(key, out var mine))
                        mine.copy_(tensor);
                return (missing, unexpected);
            }

            private IEnumerable<(string, T)> Nested<T>(bool recurse, Func<Module, IEnumerable<(string, T)>> of) =>
                recurse ? _internal_submodules.SelectMany(m => of(m.Value).Select(inner => ($"{m.Key}.{inner.Item1}", inner.Item2))) : [];

            // A tensor registered twice is one parameter.
            private static IEnumerable<(string, T)> Distinct<T>(IEnumerable<(string, T)> entries) where T : Tensor
            {
                var seen = new HashSet<nint> { 0 };
                foreach (var entry in entries)
                    if (seen.Add(entry.Item2.handle))
                        yield return entry;
            }
        }
    }
}
