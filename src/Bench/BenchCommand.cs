using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Microsoft.FSharp.Collections;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary><c>./modnet bench [NAME]</c>: what the words ask for, and its running.</summary>
public static class BenchCommand
{
    /// <summary>Where a user ended it.</summary>
    public const int Stopped = 130;

    /// <summary>There is no PyTorch to compare with; <c>./modnet</c> installs it then.</summary>
    public const int NoTorch = 3;

    private const string Both = "both";

    private static readonly Argument<string[]> Names = new("NAME")
    {
        Description = "what to run; else all",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<bool> Quick = new("--quick") { Description = "fewer and shorter samples: a look" };

    private static readonly Option<bool> NoPeer = new("--no-peer") { Description = "compare with nothing" };

    private static readonly Option<string> Against = new("--peer")
    {
        Description = "what to compare with: pytorch, torchsharp (the same by hand on TorchSharp), or both",
        HelpName = "WHICH",
        DefaultValueFactory = _ => Both,
    };

    private static readonly Option<string> Wait = new("--peer-wait")
    {
        Description = "how the peers' threads wait: active (as they do by themselves) or passive",
        HelpName = "HOW",
    };

    private static readonly Option<int?> Threads = new("--threads")
    {
        Description = "threads of every side; else all cores",
        HelpName = "N",
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "a text, or a folder of them, for ptb-…; else made-up words of Penn Treebank's sizes",
        HelpName = "PATH",
    };

    private static readonly Option<string> Out = new("--out")
    {
        Description = "the results' file; else runs/bench/NAME.json",
        HelpName = "FILE",
    };

    private static readonly Command Bench = Declared();

    private static readonly Command Root = CommandLine.modnet(ListModule.OfSeq<Command>([Bench]));

    /// <summary>Exit code: 0 done; 1 something the message names; 2 a usage error; 3 no PyTorch; 130 ended by the user.</summary>
    public static int Run(string[] words, CancellationToken stop)
    {
        ParseResult parsed = Root.Parse([Bench.Name, .. words]);
        if (parsed.Action is HelpAction)
        {
            return parsed.Invoke();
        }

        if (parsed.Errors.Count > 0)
        {
            return CommandLine.complainOf("bench", parsed, parsed.Errors);
        }

        string[] names = parsed.GetValue(Names) is { Length: > 0 } some ? some : [.. Benchmark.All.Select(b => b.Name)];
        if (Mistake(parsed, names) is string mistake)
        {
            return CommandLine.complain("bench", mistake);
        }

        foreach (PeerKind kind in Peers(parsed).Intersect(names.SelectMany(n => Find(n).Peers)))
        {
            if (kind.Missing() is string missing)
            {
                Console.Error.WriteLine(missing);
                return NoTorch;
            }
        }

        try
        {
            Run(parsed, names, stop);
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.Error.WriteLine("modnet: bench: stopped; the cases that were finished are written");
            return Stopped;
        }
    }

    private static void Run(ParseResult parsed, string[] names, CancellationToken stop)
    {
        int threads = parsed.GetValue(Threads) ?? Environment.ProcessorCount;
        Threading.Use(threads);
        foreach (string name in names.Distinct())
        {
            var settings = new BenchSettings
            {
                Threads = threads,
                Pace = parsed.GetValue(Quick) ? Pace.Quick : Pace.Full,
                Peers = Peers(parsed),
                PeerWait = parsed.GetValue(Wait) == "passive" ? PeerWait.Passive : PeerWait.Active,
                Data = parsed.GetValue(Data),
                Say = said => Console.Error.WriteLine($"{name}: {said}"),
                Stop = stop,
            };
            string command = "./modnet " + string.Join(' ', parsed.Tokens.Select(t => t.Value));
            string path = parsed.GetValue(Out) ?? Path.Combine("runs", "bench", $"{name}.json");
            Find(name).Report(settings, command, soFar =>
            {
                soFar.Write(path);
                Console.WriteLine(ReportTable.Of(soFar.Cases[^1]));
            }).Write(path);
            Console.WriteLine($"{name}: {Machine.Processor()}, {BenchReport.Instructions()}, {threads} threads; {path}");
        }
    }

    private static IReadOnlyList<PeerKind> Peers(ParseResult parsed) =>
        parsed.GetValue(NoPeer) ? []
        : parsed.GetValue(Against) is string which && which != Both ? [.. PeerKind.All.Where(k => k.Key == which)]
        : PeerKind.All;

    private static Benchmark Find(string name) => Benchmark.All.First(b => b.Name == name);

    private static string? Mistake(ParseResult parsed, string[] names)
    {
        string[] known = [.. Benchmark.All.Select(b => b.Name)];
        if (names.FirstOrDefault(n => !known.Contains(n)) is string unknown)
        {
            return $"there is no benchmark {unknown}{CommandLine.hint(known, unknown)}; there are: {string.Join(", ", known)}";
        }

        if (parsed.GetValue(Threads) is int threads and (< 1 or > 1024))
        {
            return $"--threads: expected 1 to 1024, got {threads}";
        }

        if (parsed.GetValue(Wait) is string wait && wait is not ("active" or "passive"))
        {
            return $"--peer-wait: expected active or passive, got {wait}";
        }

        string[] peers = [.. PeerKind.All.Select(k => k.Key), Both];
        if (parsed.GetValue(Against) is string which && !peers.Contains(which))
        {
            return $"--peer: expected pytorch, torchsharp or both, got {which}{CommandLine.hint(peers, which)}";
        }

        if (parsed.GetValue(NoPeer) && parsed.GetResult(Against) is { Implicit: false })
        {
            return "--peer: expected no --no-peer beside it";
        }

        return parsed.GetValue(Out) is not null && names.Distinct().Count() > 1
            ? "--out: expected one NAME with it, got " + names.Distinct().Count()
            : null;
    }

    private static Command Declared()
    {
        string list = string.Join("\n", Benchmark.All.Select(b => $"  {b.Name,-14}{b.Help}"));
        var bench = new Command("bench", $"Time ModNet, side by side with PyTorch and with the same by hand on TorchSharp.\n\n{list}");
        bench.Arguments.Add(Names);
        foreach (Option option in (Option[])[Quick, Against, NoPeer, Wait, Threads, Data, Out])
        {
            bench.Options.Add(option);
        }

        bench.Options.Add(new HelpOption());
        return bench;
    }
}
