namespace TorchSharp;

/// <summary>Collects the tensors made while it is the innermost scope of its thread, and disposes them with itself.</summary>
public sealed class DisposeScope : IDisposable
{
    private readonly DisposeScopeManager manager;

    internal DisposeScope(DisposeScopeManager manager)
    {
        this.manager = manager;
        OuterScope = manager.Innermost;
    }

    /// <summary>What will be disposed with the scope.</summary>
    internal HashSet<IDisposable> Disposables { get; } = new(ReferenceEqualityComparer.Instance);

    internal DisposeScope? OuterScope { get; }

    public int DisposablesCount => Disposables.Count;

    public IReadOnlyList<IDisposable> DisposablesView => [.. Disposables];

    internal void Include(IDisposable disposable)
    {
        lock (Disposables)
            Disposables.Add(disposable);
    }

    // A tensor may be disposed on another thread than its scope's.
    internal bool MarkAsDisposed(IDisposable disposable)
    {
        lock (Disposables)
            return Disposables.Remove(disposable);
    }

    /// <summary>Moves the object to the surrounding scope, or out of all scopes if there is none.</summary>
    public T MoveToOuter<T>(T disposable) where T : IDisposable
    {
        MoveToOuter([disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable
    {
        MoveToOuter([first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable
    {
        MoveToOuter([first, second, third]);
        return (first, second, third);
    }

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOuter((IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables)
    {
        foreach (var d in disposables)
            Move(d, OuterScope);
    }

    /// <summary>Takes the object out of all scopes: the caller disposes it.</summary>
    public T Detach<T>(T disposable) where T : IDisposable
    {
        Move(disposable, null);
        return disposable;
    }

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        foreach (var d in disposables)
            Move(d, null);
    }

    /// <summary>Puts an object under the scope's care.</summary>
    public T Attach<T>(T disposable) where T : IDisposable
    {
        Owner(disposable)?.MarkAsDisposed(disposable);
        Adopt(disposable, this);
        return disposable;
    }

    /// <summary>Disposes everything in the scope at once.</summary>
    public void DisposeEverything() => DisposeEverythingBut([]);

    /// <summary>Disposes everything in the scope but these.</summary>
    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public void DisposeEverythingBut(IEnumerable<IDisposable> keep)
    {
        var kept = new HashSet<IDisposable>(keep, ReferenceEqualityComparer.Instance);
        IDisposable[] doomed;
        lock (Disposables)
            doomed = [.. Disposables.Where(d => !kept.Contains(d))];
        foreach (var d in doomed)
        {
            MarkAsDisposed(d);
            if (d is torch.Tensor tensor)
                tensor.OwningDisposeScope = null;
            d.Dispose();
        }
    }

    public bool Contains(IDisposable disposable)
    {
        lock (Disposables)
            return Disposables.Contains(disposable);
    }

    public void Dispose()
    {
        DisposeEverything();
        manager.Leave(this);
    }

    private static DisposeScope? Owner(IDisposable disposable) => (disposable as torch.Tensor)?.OwningDisposeScope;

    private static void Adopt(IDisposable disposable, DisposeScope? scope)
    {
        scope?.Include(disposable);
        if (disposable is torch.Tensor tensor)
            tensor.OwningDisposeScope = scope;
    }

    private void Move(IDisposable disposable, DisposeScope? target)
    {
        if (MarkAsDisposed(disposable))
            Adopt(disposable, target);
    }
}

/// <summary>The stack of dispose scopes of one thread.</summary>
public sealed class DisposeScopeManager
{
    [ThreadStatic]
    private static DisposeScopeManager? current;

    private readonly List<DisposeScope> scopes = [];

    internal static DisposeScopeManager ThreadSingleton => current ??= new DisposeScopeManager();

    internal DisposeScope? Innermost { get; private set; }

    internal DisposeScope Enter()
    {
        var scope = new DisposeScope(this);
        scopes.Add(scope);
        Innermost = scope;
        return scope;
    }

    internal void Leave(DisposeScope scope)
    {
        scopes.Remove(scope);
        Innermost = scopes.Count == 0 ? null : scopes[^1];
    }
}

public static partial class torch
{
    /// <summary>Opens a scope: tensors made until it is disposed are disposed with it, unless moved out or detached.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.Enter();
}
