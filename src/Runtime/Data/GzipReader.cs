using System.Buffers.Binary;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.Checksum;
using ICSharpCode.SharpZipLib.Zip.Compression;

namespace ModNet.Runtime;

/// <summary>
/// Unpacks gzip (RFC 1952) and holds every member against its checksum and its length, which .NET's own stream does not. Members one after
/// the other are read as one content, and zeros behind the last one are padding, as gzip(1) has it. Anything else behind it is refused, and
/// so is a member that is cut. Damage is an InvalidDataException, and is certain to show only when the stream is read to its end.
/// </summary>
/// <example><code>new GzipReader(File.ReadAllBytes("log.gz")).CopyTo(unpacked)</code></example>
public sealed class GzipReader : Stream
{
    private const int HeaderLength = 10;
    private const int TrailerLength = 8;
    private const byte Deflate = 8;

    private readonly byte[] _packed;
    private readonly Crc32 _checksum = new();
    private int _at;
    private Inflater? _member;

    /// <summary>Unpacks these bytes.</summary>
    public GzipReader(byte[] packed)
    {
        _packed = packed;
        BeginMember();
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Whether these are the first bytes of a gzip file.</summary>
    public static bool IsGzip(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]);

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        while (count > 0 && _member is not null)
        {
            int read = Inflate(_member, buffer, offset, count);
            if (read > 0)
            {
                _checksum.Update(new ArraySegment<byte>(buffer, offset, read));
                return read;
            }

            EndMember(_member);
        }

        return 0;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void BeginMember()
    {
        _at = EndOfHeader();
        _checksum.Reset();
        _member = new Inflater(noHeader: true);
        _member.SetInput(_packed, _at, _packed.Length - _at);
    }

    // The bytes of 0 with the end of the content, or of a file that ends within it.
    private static int Inflate(Inflater member, byte[] buffer, int offset, int count)
    {
        try
        {
            return member.Inflate(buffer, offset, count);
        }
        catch (Exception e) when (e is SharpZipBaseException or IndexOutOfRangeException or ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException("a damaged packed file");
        }
    }

    private void EndMember(Inflater member)
    {
        if (!member.IsFinished)
        {
            throw EndsEarly();
        }

        _at = _packed.Length - member.RemainingInput;
        ReadOnlySpan<byte> trailer = Take(TrailerLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != (uint)_checksum.Value
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != (uint)member.TotalOut)
        {
            throw new InvalidDataException("a damaged packed file, whose content is not that of its checksum");
        }

        _member = null;
        ReadOnlySpan<byte> rest = _packed.AsSpan(_at);
        if (IsGzip(rest))
        {
            BeginMember();
        }
        else if (rest.ContainsAnyExcept((byte)0))
        {
            throw new InvalidDataException($"a packed file with {rest.Length} more bytes behind its end");
        }
    }

    private int EndOfHeader()
    {
        int start = _at;
        ReadOnlySpan<byte> header = Take(HeaderLength);
        const int checksum = 2, extra = 4, name = 8, comment = 16, reserved = 0xE0;
        byte flags = header[3];
        if (!IsGzip(header) || header[2] != Deflate || (flags & reserved) != 0)
        {
            throw new InvalidDataException("a file that is not packed by gzip");
        }

        if ((flags & extra) != 0)
        {
            Take(BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
        }

        foreach (int text in (int[])[name, comment])
        {
            while ((flags & text) != 0 && Take(1)[0] != 0)
            {
            }
        }

        if ((flags & checksum) != 0)
        {
            _checksum.Reset();
            _checksum.Update(new ArraySegment<byte>(_packed, start, _at - start));
            if (BinaryPrimitives.ReadUInt16LittleEndian(Take(2)) != (ushort)_checksum.Value)
            {
                throw new InvalidDataException("a damaged packed file, whose header is not that of its checksum");
            }
        }

        return _at;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _packed.Length - _at)
        {
            throw EndsEarly();
        }

        ReadOnlySpan<byte> taken = _packed.AsSpan(_at, count);
        _at += count;
        return taken;
    }

    private static InvalidDataException EndsEarly() => new("a packed file that ends too early");
}
