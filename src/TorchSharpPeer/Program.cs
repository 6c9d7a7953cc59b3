using System.Globalization;
using ModNet.TorchSharpPeer;

// THREADS FOLDER BINDING: how many threads, where libtorch's libraries lie, and TorchSharp's own native library.
// The terminal's Ctrl-C reaches both; who started this one ends it.
Console.CancelKeyPress += (_, pressed) => pressed.Cancel = true;
NativeLibraries.Load(args[1], args[2]);
using var conversation = new Conversation(int.Parse(args[0], CultureInfo.InvariantCulture));
while (Console.In.ReadLine() is string line)
{
    Console.Out.WriteLine(conversation.Answer(line));
}
