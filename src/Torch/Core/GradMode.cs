using ModNet.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>No gradients are recorded until the returned object is disposed.</summary>
    public static IDisposable no_grad() => new AutoGradMode(false);

    /// <summary>Gradients are recorded (or not) until the returned object is disposed.</summary>
    public static IDisposable enable_grad(bool enabled = true) => new AutoGradMode(enabled);

    /// <summary>Sets the mode now; disposing the returned object restores the previous one.</summary>
    public static IDisposable set_grad_enabled(bool mode = true) => new AutoGradMode(mode);

    public static bool is_grad_enabled() => AutoGradMode.IsEnabled;
}

/// <summary>Whether operations of this thread are recorded for differentiation.</summary>
public sealed class AutoGradMode : IDisposable
{
    private readonly bool previous;

    public AutoGradMode(bool enabled)
    {
        previous = IsEnabled;
        Set(enabled);
    }

    public static unsafe bool IsEnabled
    {
        get
        {
            Libtorch.EnsureLoaded();
            return Native.GradMode() != 0;
        }
    }

    public void Dispose() => Set(previous);

    private static unsafe void Set(bool enabled) => Native.SetGradMode(enabled ? 1 : 0);
}
