using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary>
/// A peer: a program that runs the same in another library, and is told by lines of JSON what to do next. It does nothing meanwhile, and
/// ends when its input does.
/// </summary>
public sealed class Peer : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly CancellationToken _stop;

    private Peer(PeerKind kind, Process process, CancellationToken stop)
    {
        (Kind, _process, _stop) = (kind, process, stop);
        _errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
    }

    /// <summary>Its library.</summary>
    public PeerKind Kind { get; }

    /// <summary>Its version of that, and its threads.</summary>
    public string Version { get; private set; } = "";

    /// <summary>Starts it with as many threads. UserException where what it needs is missing.</summary>
    public static Peer Start(PeerKind kind, int threads, PeerWait wait, CancellationToken stop)
    {
        ProcessStartInfo start = kind.Program(threads);
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        foreach ((string name, string? value) in Threading.Variables(threads, wait))
        {
            start.Environment[name] = value;
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw Failed(kind, e.Message);
        }

        var peer = new Peer(kind, process, stop);
        try
        {
            peer.Version = peer.Ask("about", new()).GetValue<string>();
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Tells it to do something and gives its answer. UserException with what it said where it fails; OperationCanceledException where the
    /// user ended the wait.
    /// </summary>
    public JsonNode Ask(string what, JsonObject told)
    {
        told["do"] = what;
        try
        {
            _process.StandardInput.WriteLine(told.ToJsonString());
            _process.StandardInput.Flush();
            string? line = _process.StandardOutput.ReadLineAsync(_stop).AsTask().GetAwaiter().GetResult();
            JsonNode? answer = line is null ? null : JsonNode.Parse(line);
            return answer?["answer"] ?? throw Failed(Kind, answer?["error"]?.GetValue<string>() ?? Ended());
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw Failed(Kind, Ended());
        }
    }

    /// <summary>A contender that runs there: <paramref name="told"/> says which.</summary>
    public Contender Contender(string name, JsonObject told) => new(name, calls =>
    {
        JsonObject line = told.DeepClone().AsObject();
        line["calls"] = calls;
        return Ask("time", line).GetValue<double>();
    });

    /// <summary>Ends it at once, whatever it does.</summary>
    public void Dispose()
    {
        try
        {
            _process.Kill();
            _process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }

        _process.Dispose();
    }

    private string Ended()
    {
        _process.WaitForExit();
        string said = _errors.Result.Trim();
        return said.Length > 0 ? said.Split('\n')[^1] : $"it ended with code {_process.ExitCode}";
    }

    private static UserException Failed(PeerKind kind, string said) =>
        new($"the {kind.Name} peer failed: {said} – leave it out with --no-peer, or mend it");
}
