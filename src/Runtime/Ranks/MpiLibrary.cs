using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// The MPI library of this machine, through <c>mpi.c</c>: constants and types differ between MPI libraries, so that file is compiled once, with the compiler that belongs
/// to the library which started this process, and kept in the user's cache folder.
/// </summary>
public static class MpiLibrary
{
    /// <summary>The environment variable that names the compiler of the MPI library to use, such as <c>mpicc</c> or its path.</summary>
    public const string CompilerVariable = "MODNET_MPICC";

    // What each MPI library's launcher says in the environment of the processes that it starts, and its compiler beside the plain one.
    private static readonly (string Name, string Rank, string Count, string Compiler)[] Launchers =
    [
        ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "mpicc.openmpi"),
        ("MPICH", "PMI_RANK", "PMI_SIZE", "mpicc.mpich"),
        ("PMIx", "PMIX_RANK", "SLURM_NTASKS", "mpicc.openmpi"),
    ];

    /// <summary>
    /// This process's number among those that <c>mpirun</c> or <c>srun --mpi=pmix</c> started together, and how many they are, by the environment alone; null where nothing
    /// of the kind started it.
    /// </summary>
    public static (int Rank, int Count, string Launcher)? Launched()
    {
        foreach ((string name, string rank, string count, _) in Launchers)
        {
            if (int.TryParse(Environment.GetEnvironmentVariable(rank), out int own) && int.TryParse(Environment.GetEnvironmentVariable(count), out int all))
            {
                return (own, all, name);
            }
        }

        return null;
    }

    /// <summary>What the machine has of MPI, in words: the compilers that are there and the libraries that they are of.</summary>
    public static string Describe()
    {
        string[] found = [.. Compilers().Where(OtherProgram.IsThere).Select(compiler => $"{compiler} ({Version(compiler)})")];
        return found.Length > 0 ? string.Join(", ", found) : "none (for training on several machines: apt-get install openmpi-bin libopenmpi-dev, or mpich libmpich-dev)";
    }

    /// <summary>Compiles <c>mpi.c</c> unless that was done, and loads it. UserException where there is no compiler, or it fails.</summary>
    internal static nint Load()
    {
        string compiler = Compilers().FirstOrDefault(OtherProgram.IsThere) ?? throw new UserException(
            "MPI", $"a compiler of the MPI library that started this process: {string.Join(" or ", Compilers())}", "none on the PATH",
            $"install it (Debian: libopenmpi-dev or libmpich-dev), or name it by {CompilerVariable}");
        using Stream source = typeof(MpiLibrary).Assembly.GetManifestResourceStream("mpi.c")!;
        using var copy = new MemoryStream();
        source.CopyTo(copy);
        byte[] text = copy.ToArray();
        // The same compiler may belong to another library after an upgrade.
        string key = Convert.ToHexStringLower(SHA256.HashData([.. text, .. Encoding.UTF8.GetBytes($"{compiler}\n{OtherProgram.Ask(compiler, "-show")?.Output}\n{RuntimeInformation.ProcessArchitecture}\n{Version(compiler)}")]))[..16];
        string folder = Path.Combine(UserCache.Folder(), "mpi");
        string library = Path.Combine(folder, $"mpi-{key}.so");
        if (!File.Exists(library))
        {
            Directory.CreateDirectory(folder);
            string unfinished = Path.Combine(folder, $"{Guid.NewGuid():N}");
            File.WriteAllBytes($"{unfinished}.c", text);
            (int Code, string Output, string Errors)? compiled =
                OtherProgram.Ask(compiler, "-shared", "-fPIC", "-O2", "-o", $"{unfinished}.so", $"{unfinished}.c", "-ldl");
            File.Delete($"{unfinished}.c");
            if (compiled is not (0, _, _))
            {
                throw new UserException("MPI", $"a compiler that works: {compiler}", $"{compiled?.Output}{compiled?.Errors}".Trim(), $"mend it, or name another by {CompilerVariable}");
            }

            // Another rank may have been faster; either file will do.
            File.Move($"{unfinished}.so", library, overwrite: true);
        }

        return NativeLibrary.Load(library);
    }

    // The one to use first.
    private static IEnumerable<string> Compilers()
    {
        if (Environment.GetEnvironmentVariable(CompilerVariable) is { Length: > 0 } named)
        {
            return [named];
        }

        string? launcher = Launched()?.Launcher;
        return [.. Launchers.Where(l => launcher is null || l.Name == launcher).Select(l => l.Compiler).Distinct(), "mpicc"];
    }

    // What it says of its library: each family has a word of its own for that, and hands the other's on to the C compiler, which refuses it.
    private static string Version(string compiler)
    {
        foreach (string word in new[] { "-showme:version", "-v" })
        {
            if (OtherProgram.Ask(compiler, word) is (0, string output, _) && output.Trim().Length > 0)
            {
                return output.Split('\n')[0].Trim();
            }
        }

        return "no version";
    }
}
