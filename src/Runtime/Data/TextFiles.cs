using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// The files of a text, read: three, of which one is to train on, one for validation and one to test; or a single one that is all of it.
/// Three files are those of a folder, of <c>data</c> in it, of Mikolov's <c>simple-examples</c>, or of an archive that has such a folder.
/// </summary>
public sealed class TextFiles
{
    private const string Mikolov = "simple-examples";
    private const string Expected = "one file *.train.txt, one *.valid.txt and one *.test.txt";
    private const string Remedy = "name the files like ptb.train.txt, ptb.valid.txt, ptb.test.txt, or give a single text file";

    private static readonly string[] Endings = [".train.txt", ".valid.txt", ".test.txt"];

    private TextFiles(string path, IReadOnlyList<DataFile> files, IReadOnlyList<TextPart> parts, IReadOnlyList<DataFile>? contents = null) =>
        (Path, Files, Parts, Identity) = (path, files, parts, new(contents ?? files));

    /// <summary>The file or folder as it was named.</summary>
    public string Path { get; }

    /// <summary>The files that were read, with their checksums.</summary>
    public IReadOnlyList<DataFile> Files { get; }

    /// <summary>What tells the text from others. Three files are the same text whether or not they are in an archive.</summary>
    public DataIdentity Identity { get; }

    /// <summary>Training, validation and test text, or the only text.</summary>
    internal IReadOnlyList<TextPart> Parts { get; }

    /// <summary>Reads a directory, a file, a pipe, or a tar archive, packed by gzip or not. UserException where they hold no text.</summary>
    /// <example><code>IReadOnlyList&lt;DataFile&gt; files = TextFiles.Read("data/ptb").Files;</code></example>
    public static TextFiles Read(string path)
    {
        if (Directory.Exists(path))
        {
            return OfDirectory(path);
        }

        if (!File.Exists(path))
        {
            throw new UserException(
                path, "a text file or a directory with *.train.txt, *.valid.txt and *.test.txt", NearWord.NothingAt(path),
                "give an existing path with --data");
        }

        FileBytes file = FileBytes.Read(path);
        return TarFile.IsTar(file.Bytes) ? OfArchive(file) : new(path, [file.File], [TextPart.Of(path, file.Bytes)]);
    }

    private static TextFiles OfDirectory(string path)
    {
        string[] folders = [path, System.IO.Path.Combine(path, "data"), System.IO.Path.Combine(path, Mikolov, "data")];
        string? folder = folders.FirstOrDefault(d => Directory.Exists(d) && Names(d).Any(IsPart));
        string archive = System.IO.Path.Combine(path, Mikolov + ".tgz");
        if (folder is null && File.Exists(archive))
        {
            return Read(archive);
        }

        folder ??= path;
        FileBytes[] files = [.. Chosen(folder, Names(folder)).Select(name => FileBytes.Read(System.IO.Path.Combine(folder, name)))];
        return new(path, [.. files.Select(f => f.File)], [.. files.Select(f => TextPart.Of(f.Path, f.Bytes))]);
    }

    private static TextFiles OfArchive(FileBytes archive)
    {
        var folders = new Dictionary<string, Dictionary<string, byte[]>>(StringComparer.Ordinal);
        try
        {
            TarFile.ForEachFile(archive.Bytes, (entry, length, data) =>
            {
                string name = entry[(entry.LastIndexOf('/') + 1)..];
                string folder = entry[..^name.Length];
                folder = folder.StartsWith("./", StringComparison.Ordinal) ? folder[2..] : folder;
                if (IsPart(name))
                {
                    folders.TryAdd(folder, new(StringComparer.Ordinal));
                    folders[folder][name] = TarFile.Content(data, length);
                }
            });
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new UserException(
                archive.Path, $"a text file, or an archive with {Expected}", e.Message.TrimEnd('.'), "unpack it first, or get it again");
        }

        if (folders.Count != 1)
        {
            throw new UserException(
                archive.Path, $"an archive with {Expected}, in one folder",
                folders.Count == 0 ? "none" : $"such files in {folders.Count} folders, {string.Join(", ", folders.Keys.Select(k => $"`{k}`"))}",
                folders.Count == 0 ? Remedy : "unpack it, and give one of the folders");
        }

        Dictionary<string, byte[]> files = folders.Values.Single();
        string[] chosen = Chosen(archive.Path, [.. files.Keys]);
        return new(
            archive.Path, [archive.File],
            [.. chosen.Select(name => TextPart.Of($"{archive.Path}, {name}", files[name]))],
            [.. chosen.Select(name => DataFile.Of(name, files[name]))]);
    }

    // Archivers and desktops leave hidden files beside those that they are about.
    private static bool IsPart(string name) => !name.StartsWith('.') && Endings.Any(e => name.EndsWith(e, StringComparison.Ordinal));

    private static string[] Names(string folder) =>
        [.. DataFile.Reading(folder, () => Directory.GetFiles(folder)).Select(file => System.IO.Path.GetFileName(file)).Where(IsPart)];

    // Of ptb.train.txt and ptb.char.train.txt, the first is meant: the one whose name begins all others.
    private static string[] Chosen(string place, string[] names)
    {
        string[][] stems =
        [
            .. Endings.Select(ending =>
                names.Where(n => n.EndsWith(ending, StringComparison.Ordinal)).Select(n => n[..^ending.Length]).ToArray()),
        ];
        string? first = stems.SelectMany(s => s).MinBy(s => s.Length);
        if (first is not null && stems.All(s => s.Contains(first) && s.All(other => other == first || other.StartsWith(first + ".", StringComparison.Ordinal))))
        {
            return [.. Endings.Select(ending => first + ending)];
        }

        for (int i = 0; i < Endings.Length; i++)
        {
            if (stems[i].Length != 1)
            {
                string found = stems[i].Length == 0
                    ? "none"
                    : $"{stems[i].Length}: {string.Join(", ", stems[i].Order(StringComparer.Ordinal).Select(s => s + Endings[i]))}";
                throw new UserException(place, $"one file *{Endings[i]}", found, Remedy);
            }
        }

        return [.. Endings.Zip(stems, (ending, stem) => stem[0] + ending)];
    }
}

/// <summary>One text in UTF-8, and the file that it comes from.</summary>
internal sealed record TextPart(string Place, ArraySegment<byte> Utf8)
{
    /// <summary>UserException where the bytes are no text.</summary>
    internal static TextPart Of(string place, byte[] bytes) => new(place, PlainText.InUtf8(place, bytes));

    // A byte-order mark has gone already; a second one is a character.
    private static readonly UTF8Encoding Unmarked = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The lines that have some words; where characters are read, all of them.</summary>
    internal IEnumerable<string> Lines(TextUnit unit)
    {
        using var reader = new StreamReader(
            new MemoryStream(Utf8.Array!, Utf8.Offset, Utf8.Count, writable: false), Unmarked, detectEncodingFromByteOrderMarks: false);
        while (reader.ReadLine() is string line)
        {
            if (unit == TextUnit.Characters || !string.IsNullOrWhiteSpace(line))
            {
                yield return line;
            }
        }
    }
}
