using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// Makes TorchSharp's native library load on distributions whose C++ runtime is older than GCC 13's, such as Debian 12's and Ubuntu 22.04's.
/// The library asks for the symbol version GLIBCXX_3.4.32, but only through the marker symbol that every program compiled by GCC 13
/// refers to; no code and no data is bound to it. A private copy of the library declares that one need as weak, which the dynamic linker then lets pass.
/// </summary>
/// <remarks>The layout is that of the ELF gABI and of the Linux Standard Base, Core, chapter 10.7 (symbol versioning).</remarks>
internal static class VersionNeed
{
    internal const string Version = "GLIBCXX_3.4.32";
    internal const string Marker = "_ZSt21ios_base_library_initv";

    // elf.h: section types, and the flag of a weak version.
    private const uint DynamicSymbols = 11;
    private const uint VersionNeeds = 0x6ffffffe;
    private const uint SymbolVersions = 0x6fffffff;
    private const ushort Weak = 0x2;

    /// <summary>Writes the relaxed copy of a library into the user's cache folder, unless it is there, and returns its path.</summary>
    /// <returns>Null where the library does not ask for <see cref="Version"/>, or asks for it by more than the marker.</returns>
    internal static string? Relax(string library)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        byte[] image = File.ReadAllBytes(library);
        string original = Convert.ToHexStringLower(SHA256.HashData(image))[..16];
        if (!Relax(image))
        {
            return null;
        }

        string copy = Path.Combine(UserCache.Folder(), original, Path.GetFileName(library));
        if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(image))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            WholeFile.Write(copy, stream => stream.Write(image));
        }

        return copy;
    }

    /// <summary>Declares the need for <see cref="Version"/> as weak, in place. False where that is not sound; nothing is then changed.</summary>
    internal static bool Relax(Span<byte> image)
    {
        if (FindNeed(image) is not { } need || !OnlyTheMarkerHas(image, need.Index))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(image[need.Flags..], (ushort)(U16(image, need.Flags) | Weak));
        return true;
    }

    /// <summary>Whether the need is weak; null where the image has no such need.</summary>
    internal static bool? IsWeak(ReadOnlySpan<byte> image) =>
        FindNeed(image) is { } need ? (U16(image, need.Flags) & Weak) != 0 : null;

    // The place of the need's flags, and the index by which symbols refer to it.
    private static (int Flags, ushort Index)? FindNeed(ReadOnlySpan<byte> image)
    {
        if (!IsElf64(image) || Find(image, VersionNeeds) is not { } needs)
        {
            return null;
        }

        int strings = Section(image, needs.Link).Offset;
        for (int file = needs.Offset, i = 0; i < needs.Info; i++)
        {
            int auxiliary = file + (int)U32(image, file + 8);
            for (int j = 0, count = U16(image, file + 2); j < count; j++)
            {
                if (Text(image, strings + (int)U32(image, auxiliary + 8)) == Version)
                {
                    return (auxiliary + 4, U16(image, auxiliary + 6));
                }

                auxiliary += (int)U32(image, auxiliary + 12);
            }

            file += (int)U32(image, file + 12);
        }

        return null;
    }

    private static bool OnlyTheMarkerHas(ReadOnlySpan<byte> image, ushort index)
    {
        if (Find(image, DynamicSymbols) is not { } symbols || Find(image, SymbolVersions) is not { } versions)
        {
            return false;
        }

        const int symbolSize = 24;
        int strings = Section(image, symbols.Link).Offset;
        for (int i = 0; i < symbols.Size / symbolSize; i++)
        {
            bool hasIt = (U16(image, versions.Offset + (2 * i)) & 0x7fff) == index;
            if (hasIt && Text(image, strings + (int)U32(image, symbols.Offset + (i * symbolSize))) != Marker)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsElf64(ReadOnlySpan<byte> image) =>
        image.Length > 64 && image[..4].SequenceEqual("\u007fELF"u8) && image[4] == 2 && image[5] == 1;

    private static (int Offset, int Size, int Link, int Info)? Find(ReadOnlySpan<byte> image, uint type)
    {
        for (int i = 0, count = U16(image, 60); i < count; i++)
        {
            if (U32(image, Header(image, i) + 4) == type)
            {
                return Section(image, i);
            }
        }

        return null;
    }

    private static (int Offset, int Size, int Link, int Info) Section(ReadOnlySpan<byte> image, int index)
    {
        int header = Header(image, index);
        return ((int)U64(image, header + 24), (int)U64(image, header + 32), (int)U32(image, header + 40), (int)U32(image, header + 44));
    }

    private static int Header(ReadOnlySpan<byte> image, int index) => (int)U64(image, 40) + (index * U16(image, 58));

    private static string Text(ReadOnlySpan<byte> image, int at) => Encoding.ASCII.GetString(image[at..][..image[at..].IndexOf((byte)0)]);

    private static ushort U16(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt16LittleEndian(image[at..]);

    private static uint U32(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt32LittleEndian(image[at..]);

    private static ulong U64(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt64LittleEndian(image[at..]);
}
