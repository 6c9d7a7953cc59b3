using System.Collections;
using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>Modules one after the other.</summary>
            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => new(modules.Select((m, i) => ($"{i}", m)));

            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);

            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules) => new(modules);

            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => new(modules.Select((m, i) => ($"{i}", m)));

            /// <summary>A registered list of modules.</summary>
            public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>The modules' composition, first one first.</summary>
    public class Sequential : torch.nn.Module<torch.Tensor, torch.Tensor>, IList<torch.nn.Module<torch.Tensor, torch.Tensor>>
    {
        private readonly List<torch.nn.Module<torch.Tensor, torch.Tensor>> modules_ = [];

        internal Sequential(IEnumerable<(string name, torch.nn.Module<torch.Tensor, torch.Tensor> submodule)> modules) : base(nameof(Sequential))
        {
            foreach (var (name, module) in modules)
                append(name, module);
        }

        public int Count => modules_.Count;

        public bool IsReadOnly => false;

        public torch.nn.Module<torch.Tensor, torch.Tensor> this[int index]
        {
            get => modules_[index];
            set => throw new NotSupportedException("A Sequential's modules stay.");
        }

        public Sequential append(string name, torch.nn.Module<torch.Tensor, torch.Tensor> module)
        {
            register_module(name, module);
            modules_.Add(module);
            return this;
        }

        public Sequential append(torch.nn.Module<torch.Tensor, torch.Tensor> module) => append($"{modules_.Count}", module);

        public void Add(torch.nn.Module<torch.Tensor, torch.Tensor> item) => append(item);

        public override torch.Tensor forward(torch.Tensor input)
        {
            if (modules_.Count == 0)
                return input.alias();
            using var scope = torch.NewDisposeScope();
            var result = input;
            foreach (var module in modules_)
                result = module.call(result);
            return ReferenceEquals(result, input) ? input.alias().MoveToOuterDisposeScope() : result.MoveToOuterDisposeScope();
        }

        public bool Contains(torch.nn.Module<torch.Tensor, torch.Tensor> item) => modules_.Contains(item);

        public int IndexOf(torch.nn.Module<torch.Tensor, torch.Tensor> item) => modules_.IndexOf(item);

        public void CopyTo(torch.nn.Module<torch.Tensor, torch.Tensor>[] array, int arrayIndex) => modules_.CopyTo(array, arrayIndex);

        public void Clear() => throw new NotSupportedException("A Sequential's modules stay.");

        public void Insert(int index, torch.nn.Module<torch.Tensor, torch.Tensor> item) => throw new NotSupportedException("A Sequential's modules stay.");

        public bool Remove(torch.nn.Module<torch.Tensor, torch.Tensor> item) => throw new NotSupportedException("A Sequential's modules stay.");

        public void RemoveAt(int index) => throw new NotSupportedException("A Sequential's modules stay.");

        public IEnumerator<torch.nn.Module<torch.Tensor, torch.Tensor>> GetEnumerator() => modules_.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        protected override void RegisterComponents()
        {
        }
    }

    /// <summary>Modules by position; registered under their positions.</summary>
    public class ModuleList<T> : torch.nn.Module, IList<T> where T : torch.nn.Module
    {
        private readonly List<T> list = [];

        internal ModuleList(IEnumerable<T> modules) : base(nameof(ModuleList<T>))
        {
            foreach (var module in modules)
                Add(module);
        }

        public int Count => list.Count;

        public bool IsReadOnly => false;

        public T this[int index]
        {
            get => list[index];
            set
            {
                list[index] = value;
                Rebuild();
            }
        }

        public void Add(T item)
        {
            register_module($"{list.Count}", item);
            list.Add(item);
        }

        public void append(T module) => Add(module);

        public void extend(IEnumerable<T> modules)
        {
            foreach (var module in modules)
                Add(module);
        }

        public void Insert(int index, T item)
        {
            list.Insert(index, item);
            Rebuild();
        }

        public bool Remove(T item)
        {
            var removed = list.Remove(item);
            Rebuild();
            return removed;
        }

        public void RemoveAt(int index)
        {
            list.RemoveAt(index);
            Rebuild();
        }

        public void Clear()
        {
            list.Clear();
            Rebuild();
        }

        public bool Contains(T item) => list.Contains(item);

        public int IndexOf(T item) => list.IndexOf(item);

        public void CopyTo(T[] array, int arrayIndex) => list.CopyTo(array, arrayIndex);

        public IEnumerator<T> GetEnumerator() => list.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        protected override void RegisterComponents()
        {
        }

        private void Rebuild()
        {
            ClearModules();
            for (var i = 0; i < list.Count; i++)
                _internal_submodules.Add($"{i}", list[i]);
        }
    }
}
