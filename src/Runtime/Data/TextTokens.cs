using System.Globalization;
using System.Text;

namespace ModNet.Runtime;

/// <summary>What a token of a text is.</summary>
public enum TextUnit
{
    /// <summary>What stands between white space.</summary>
    Words,

    /// <summary>
    /// A Unicode scalar value, white space among them: what UTF-16 writes as a surrogate pair is one token, and a combining mark is a token of its own
    /// after the letter that it stands on.
    /// </summary>
    Characters,
}

/// <summary>Cuts text into tokens, and puts tokens together to text. In both units <c>&lt;eos&gt;</c> is the end of a line.</summary>
public static class TextTokens
{
    // What stands in a text for a character that is not known.
    private const char Replacement = '\uFFFD';

    /// <summary>The tokens of a text, <c>&lt;eos&gt;</c> between its lines.</summary>
    /// <example><code>int count = TextTokens.Of("the cat\nsat", TextUnit.Characters).Count();</code></example>
    public static IEnumerable<string> Of(string text, TextUnit unit)
    {
        string[] lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Split('\n');
        return lines.SelectMany((line, place) => place == 0 ? OfLine(line, unit) : OfLine(line, unit).Prepend(Vocabulary.EndOfSentence));
    }

    /// <summary>The text that begins so and goes on with tokens: words with a space between them, characters with none.</summary>
    /// <example><code>string text = TextTokens.Join("the ", ["c", "a", "t"], TextUnit.Characters);</code></example>
    public static string Join(string before, IEnumerable<string> tokens, TextUnit unit)
    {
        var text = new StringBuilder(before);
        foreach (string token in tokens)
        {
            if (token == Vocabulary.EndOfSentence)
            {
                text.Append('\n');
            }
            else if (unit == TextUnit.Characters)
            {
                text.Append(token == Vocabulary.Unknown ? Replacement.ToString() : token);
            }
            else
            {
                text.Append(text.Length > 0 && !char.IsWhiteSpace(text[^1]) ? " " : "").Append(token);
            }
        }

        return text.ToString();
    }

    /// <summary>The tokens of text without line ends.</summary>
    internal static IEnumerable<string> OfLine(string line, TextUnit unit) => unit == TextUnit.Characters
        ? line.EnumerateRunes().Select(rune => rune.ToString())
        : line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What messages call the tokens.</summary>
    internal static string Name(TextUnit unit) => unit.ToString().ToLower(CultureInfo.InvariantCulture);
}
