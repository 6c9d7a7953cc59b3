using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace ModNet.Runtime;

/// <summary>
/// Tells text from what is none. Text is UTF-8, or UTF-16 or UTF-32 with a byte-order mark, and has no control bytes but tabs, line ends and
/// page ends. Everything else is refused where it begins to be wrong: a decoder that mends it would make one word of several.
/// </summary>
public static class PlainText
{
    // NUL to BS, SO to US, and DEL.
    private static readonly SearchValues<byte> Control =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Where(b => b is < '\t' or > '\r').Append(0x7F).Select(b => (byte)b)]);

    private static readonly (byte[] Mark, Encoding Encoding)[] Marked =
    [
        ([0xFF, 0xFE, 0, 0], new UTF32Encoding(bigEndian: false, byteOrderMark: false, throwOnInvalidCharacters: true)),
        ([0, 0, 0xFE, 0xFF], new UTF32Encoding(bigEndian: true, byteOrderMark: false, throwOnInvalidCharacters: true)),
        ([0xFF, 0xFE], new UnicodeEncoding(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true)),
        ([0xFE, 0xFF], new UnicodeEncoding(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true)),
    ];

    /// <summary>Reads a file that is text. UserException where it cannot be read, or is none.</summary>
    /// <example><code>string spec = PlainText.Read("runs/toy/spec.json");</code></example>
    public static string Read(string path) => Of(path, FileBytes.Read(path).Bytes);

    /// <summary>The text that <paramref name="bytes"/> are. UserException, with <paramref name="place"/>, where they are none.</summary>
    public static string Of(string place, byte[] bytes) => Encoding.UTF8.GetString(InUtf8(place, bytes));

    /// <summary>The same in UTF-8, without a byte-order mark; it is not copied where it lies there so.</summary>
    internal static ArraySegment<byte> InUtf8(string place, byte[] bytes)
    {
        foreach ((byte[] mark, Encoding encoding) in Marked)
        {
            if (bytes.AsSpan().StartsWith(mark))
            {
                byte[] converted = Converted(place, bytes.AsSpan(mark.Length), encoding);
                Demand(place, converted, ofFile: null);
                return converted;
            }
        }

        int start = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        Demand(place, bytes.AsSpan(start), ofFile: start);
        return new(bytes, start, bytes.Length - start);
    }

    private static byte[] Converted(string place, ReadOnlySpan<byte> bytes, Encoding encoding)
    {
        try
        {
            return Encoding.UTF8.GetBytes(encoding.GetString(bytes));
        }
        catch (DecoderFallbackException)
        {
            string name = encoding is UTF32Encoding ? "UTF-32" : "UTF-16";
            throw new UserException(
                place, $"text in {name}, as its byte-order mark says", "bytes that are none", "save it again, in UTF-8");
        }
    }

    // With ofFile, the place in the file at which the text starts, messages name bytes of the file.
    private static void Demand(string place, ReadOnlySpan<byte> text, int? ofFile)
    {
        int control = text.IndexOfAny(Control);
        if (control >= 0)
        {
            throw new UserException(
                Place(place, text, control, ofFile), "plain text", $"byte 0x{text[control]:X2}, which is in no text",
                "give a text file: unpack an archive first, and convert UTF-16 by `iconv -f UTF-16LE -t UTF-8`");
        }

        if (!Utf8.IsValid(text))
        {
            int wrong = FirstInvalid(text);
            throw new UserException(
                Place(place, text, wrong, ofFile), "text in UTF-8", $"byte 0x{text[wrong]:X2}, which is not UTF-8",
                "convert the file by `iconv -f ENCODING -t UTF-8`, where ENCODING is its own, such as ISO-8859-1");
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> text)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(text[at..], out _, out int length) == OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }

    private static string Place(string place, ReadOnlySpan<byte> text, int at, int? ofFile)
    {
        ReadOnlySpan<byte> before = text[..at];
        int line = 1 + before.Count((byte)'\n') + before.Count((byte)'\r') - before.Count("\r\n"u8);
        return $"{place}, line {line}" + (ofFile is int start ? $", byte offset {start + at}" : "");
    }
}
