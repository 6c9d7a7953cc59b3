using System.Diagnostics;

namespace ModNet.Bench;

/// <summary>The <c>dotnet</c> that runs this process, else the one on the path.</summary>
public static class DotnetHost
{
    /// <summary>What starts it with these words, the first of which is an assembly's path.</summary>
    public static ProcessStartInfo Start(IEnumerable<string> words) => new(
        Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
        words);
}
