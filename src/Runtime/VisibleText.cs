using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// Text for a terminal. Words of a corpus, labels, and names of columns and files can hold characters that a terminal obeys instead of showing
/// them, such as the escape character with which a colour or a deletion begins. Here they are shown: <c>␛[31mred</c>.
/// <example><code>Console.WriteLine(VisibleText.Word(vocabulary[0]));</code></example>
/// </summary>
public static class VisibleText
{
    // Unicode has a picture for each of the first 32 characters, in their order, and one for the delete character.
    private const char Pictures = '\u2400';
    private const char DeletePicture = '\u2421';

    /// <summary>One word, label or name; ends of lines and tabs are shown, too.</summary>
    public static string Word(string text) => Shown(text, "");

    /// <summary>Whole lines: ends of lines and tabs stay as they are.</summary>
    public static string Lines(string text) => Shown(text, "\n\t");

    private static string Shown(string text, string kept)
    {
        if (!text.Any(c => IsObeyed(c) && !kept.Contains(c, StringComparison.Ordinal)))
        {
            return text;
        }

        StringBuilder shown = new(text.Length + 8);
        foreach (char c in text)
        {
            _ = !IsObeyed(c) || kept.Contains(c, StringComparison.Ordinal) ? shown.Append(c)
                : c < ' ' ? shown.Append((char)(Pictures + c))
                : c == '\u007F' ? shown.Append(DeletePicture)
                : shown.Append(FormattableString.Invariant($"\\u{(int)c:X4}"));
        }

        return shown.ToString();
    }

    // Control characters; ends of lines by Unicode; and what turns the direction of writing, so that a line reads as another.
    private static bool IsObeyed(char c) =>
        char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
