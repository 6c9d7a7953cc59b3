using System.ComponentModel;
using System.Diagnostics;

namespace ModNet.Runtime;

/// <summary>Another program of this machine: whether it is there, and what it prints.</summary>
public static class OtherProgram
{
    /// <summary>Whether there is a program of that path, or of that name on the PATH.</summary>
    public static bool IsThere(string program) => File.Exists(program)
        || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Runs a program to its end and gives its exit code, output and error output; null where there is no such program.</summary>
    /// <example><code>(int Code, string Output, string Errors)? said = OtherProgram.Ask("git", "--version");</code></example>
    public static (int Code, string Output, string Errors)? Ask(string program, params string[] words) => Ask(new ProcessStartInfo(program, words));

    /// <summary>The same of a program that is started in a way of its own.</summary>
    public static (int Code, string Output, string Errors)? Ask(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        try
        {
            using Process running = Process.Start(start)!;
            Task<string> errors = running.StandardError.ReadToEndAsync();
            string output = running.StandardOutput.ReadToEnd();
            running.WaitForExit();
            return (running.ExitCode, output, errors.Result);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
