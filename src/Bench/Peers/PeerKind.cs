using System.Diagnostics;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary>A library to compare with, and the program that runs the same in it.</summary>
/// <param name="Name">The library's, as tables say it.</param>
/// <param name="Missing">What is missing to run it, with the remedy; null where nothing is.</param>
/// <param name="Program">The program, for so many threads.</param>
public sealed record PeerKind(string Name, Func<string?> Missing, Func<int, ProcessStartInfo> Program)
{
    /// <summary>Python's PyTorch.</summary>
    public static PeerKind PyTorch { get; } = new(
        "PyTorch",
        () => PeerPython.HasTorch
            ? null
            : $"{PeerPython.Path}: expected a Python with torch, got none – apt-get install python3-torch, or leave it out with --peer torchsharp or --no-peer",
        threads => new(PeerPython.Path, [Beside("peer", "peer.py"), $"{threads}"]));

    /// <summary>
    /// TorchSharp by hand, on the libtorch that this process has loaded; nothing of ModNet is in that process, so its threads wait as
    /// libgomp has them wait by itself.
    /// </summary>
    public static PeerKind TorchSharp { get; } = new(
        "TorchSharp",
        () => null,
        threads =>
        {
            Machine.EnsureReady();
            LoadedLibtorch libtorch = Libtorch.Loaded!;
            ProcessStartInfo start = DotnetHost.Start(
                [Beside("ModNet.TorchSharpPeer.dll"), $"{threads}", libtorch.Folder, libtorch.BindingPath]);
            foreach ((string name, string value) in SoundConvolutions.Variables)
            {
                start.Environment[name] = value;
            }

            return start;
        });

    /// <summary>Both.</summary>
    public static IReadOnlyList<PeerKind> All { get; } = [PyTorch, TorchSharp];

    /// <summary>The name as options and results say it.</summary>
    public string Key => Name.ToLowerInvariant();

    private static string Beside(params string[] path) => Path.Combine([AppContext.BaseDirectory, .. path]);
}
