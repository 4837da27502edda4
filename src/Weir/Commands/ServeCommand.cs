using System.CommandLine;
using Weir.Server;
using Weir.Server.Configuration;

namespace Weir.Cli.Commands;

/// <summary><c>weir serve [weir.yaml]</c>: the server, until SIGTERM or Ctrl-C; then it drains, flushes and exits with 0.</summary>
internal static class ServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string?>("FILE") { Description = "The configuration. Default: weir.yaml, if it is there.", Arity = ArgumentArity.ZeroOrOne };
        var listen = new Option<string?>("--listen") { Description = "Address to listen on, in place of http.listen; port 0 takes a free one.", HelpName = "HOST:PORT" };
        var data = new Option<string?>("--data") { Description = "Directory of the log, in place of data.", HelpName = "FOLDER" };
        var command = new Command("serve", "Run the server. SIGTERM or Ctrl-C ends it in order: not ready, drain, flush, exit code 0.") { file, listen, data };
        command.SetAction((parsed, stop) => RunAsync(terminal, parsed.GetValue(file), parsed.GetValue(listen), parsed.GetValue(data), stop));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, string? file, string? listen, string? data, CancellationToken stop)
    {
        bool isTerminal = !Console.IsOutputRedirected;
        var given = new Dictionary<string, string>();
        if (listen is not null)
        {
            given.Add(ConfigurationKeys.Listen, listen);
        }

        if (data is not null)
        {
            given.Add(ConfigurationKeys.Data, data);
        }

        WeirConfiguration configuration = WeirConfiguration.Load(new ConfigurationSources
        {
            File = file,
            Environment = ConfigurationSources.ProcessEnvironment(),
            CommandLine = given,
            IsTerminal = isTerminal,
        });
        await ServerHost.RunAsync(configuration, new ServerHostOptions { IsTerminal = isTerminal }, terminal.Out, stop);
        return ExitCode.Ok;
    }
}
