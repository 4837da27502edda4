using Weir.Storage;

namespace Weir.Server;

/// <summary>What a server needs besides its configuration.</summary>
public sealed class ServerHostOptions
{
    /// <summary>The disk; tests bring simulated ones.</summary>
    public IDisk Disk { get; init; } = LinuxDisk.Instance;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>True when a person reads standard output: banner and plain log lines instead of JSON.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>False in tests that start many servers.</summary>
    public bool LogsToConsole { get; init; } = true;

    /// <summary>Program and arguments of a recount's process. Default: this program with <c>recount-child</c>.</summary>
    public IReadOnlyList<string> RecountCommand { get; init; } = [.. ThisProgram(), "recount-child"];

    // Started as `dotnet weir.dll` the process is dotnet's, and the program its first argument.
    private static string[] ThisProgram()
    {
        string process = Environment.ProcessPath ?? "weir";
        return Path.GetFileNameWithoutExtension(process) == "dotnet" ? [process, Environment.GetCommandLineArgs()[0]] : [process];
    }
}
