using System.Runtime.Intrinsics.X86;
using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// Keeps the gradients of convolutions right. On AMD processors, oneDNN of libtorch 2.10 sometimes gives NaN for the weights' gradients of
/// small convolutions: by its implementation jit:avx512_core when more than one thread works, and, more rarely, by jit:avx2. Below AVX2 it
/// computes these gradients by matrix products, which are right. Other operators are not oneDNN's and stay as they are.
/// </summary>
/// <remarks>
/// Seen with 4 images, kernels of 3 × 3 and 2 or 3 channels, on two cores of an AMD EPYC beside other work: the test of the E-step with
/// convolutions failed in 7 of 36 processes with AVX2, and in none of 58 with AVX or SSE41. An Intel Xeon with AVX-512 has no such fault.
/// </remarks>
internal static class SoundConvolutions
{
    private const string Name = "ONEDNN_MAX_CPU_ISA";

    /// <summary>The variable that oneDNN reads when it starts, for the processors that need it; none elsewhere, or where the environment sets it.</summary>
    internal static IReadOnlyList<(string Name, string Value)> Variables { get; } =
        IsAmd() && Avx2.IsSupported && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Name)) ? [(Name, "AVX")] : [];

    /// <summary>Sets the variable for this process. It has to be called before libtorch loads.</summary>
    internal static void Ensure()
    {
        if (!OperatingSystem.IsWindows())
        {
            foreach ((string name, string value) in Variables)
            {
                NativeEnvironment.Set(name, value, overwrite: false);
            }
        }
    }

    // The vendor's twelve letters are in EBX, EDX and ECX.
    private static bool IsAmd()
    {
        if (!X86Base.IsSupported)
        {
            return false;
        }

        (_, int b, int c, int d) = X86Base.CpuId(0, 0);
        byte[] letters = [.. BitConverter.GetBytes(b), .. BitConverter.GetBytes(d), .. BitConverter.GetBytes(c)];
        return Encoding.ASCII.GetString(letters) == "AuthenticAMD";
    }
}
