using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace TorchSharp.Utils;

/// <summary>A dictionary that enumerates in the order of insertion.</summary>
public class OrderedDict<TKey, TValue> : IEnumerable<KeyValuePair<TKey, TValue>> where TKey : notnull
{
    private readonly OrderedDictionary<TKey, TValue> entries = [];

    public int Count => entries.Count;

    public IEnumerable<TKey> Keys => entries.Keys;

    public IEnumerable<TValue> Values => entries.Values;

    public TValue this[TKey key]
    {
        get => entries[key];
        set => entries[key] = value;
    }

    public void Add(TKey key, TValue value) => entries.Add(key, value);

    public bool TryAdd(TKey key, TValue value) => entries.TryAdd(key, value);

    public bool ContainsKey(TKey key) => entries.ContainsKey(key);

    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => entries.TryGetValue(key, out value);

    public bool Remove(TKey key) => entries.Remove(key);

    public void clear() => entries.Clear();

    public void Clear() => entries.Clear();

    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator() => entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
