using ModNet.Runtime;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>Windows of words to train the language model on.</summary>
public static class PtbData
{
    /// <summary>A text's, and the sizes with its vocabulary and windows. UserException where there is no such text.</summary>
    public static (Dataset Data, PtbSizes Sizes) Read(string path, PtbSizes sizes)
    {
        TextCorpus corpus = TextCorpus.Load(path);
        DataSplits splits = corpus.Windows(sizes.Window);
        foreach (Dataset held in splits.Validation.Concat(splits.Test))
        {
            held.Dispose();
        }

        return (splits.Train, sizes with { Vocabulary = corpus.Vocabulary.Size, Windows = (int)splits.Train.Count });
    }

    /// <summary>Words drawn independently, by Zipf's law as in a text: the n-th most frequent with probability ∝ 1/n.</summary>
    public static Dataset Synthetic(PtbSizes sizes, long seed)
    {
        var random = new Random((int)seed);
        double[] sums = new double[sizes.Vocabulary];
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] = (i == 0 ? 0 : sums[i - 1]) + 1.0 / (i + 1);
        }

        var words = new long[sizes.Windows * sizes.Window + 1];
        for (int i = 0; i < words.Length; i++)
        {
            int found = Array.BinarySearch(sums, random.NextDouble() * sums[^1]);
            words[i] = Math.Min(found < 0 ? ~found : found, sums.Length - 1);
        }

        using var scope = NewDisposeScope();
        Tensor all = tensor(words);
        long length = words.Length - 1;
        return new(
            all.narrow(0, 0, length).view(sizes.Windows, sizes.Window),
            all.narrow(0, 1, length).view(sizes.Windows, sizes.Window));
    }
}
