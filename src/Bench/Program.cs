using ModNet.Bench;
using ModNet.Runtime;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    // The first one lets it end what it started; a second ends the process.
    pressed.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
};

try
{
    return args switch
    {
        [EStepMemory.Verb, ..] => EStepMemory.Run(args),
        [RankWork.Verb, ..] => RankWork.Run(args),
        _ => BenchCommand.Run(args, stop.Token),
    };
}
catch (UserException mistake)
{
    Console.Error.WriteLine(mistake.Message);
    return 1;
}
