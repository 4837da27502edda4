using System.CommandLine;
using Weir.Cli.Verify;

namespace Weir.Cli.Commands;

/// <summary><c>weir verify</c>: the promise, checked by anybody.</summary>
internal static class VerifyCommand
{
    public static Command Create(Terminal terminal)
    {
        var defaults = new VerifySettings();
        var seconds = new Option<int>("--seconds") { Description = "How long events are sent; longer if the kills take longer.", DefaultValueFactory = _ => (int)defaults.Duration.TotalSeconds, HelpName = "SECONDS" };
        var kills = new Option<int>("--kill") { Description = "How often the server is killed, with SIGKILL.", DefaultValueFactory = _ => defaults.Kills, HelpName = "N" };
        foreach ((Option<int> option, int least) in new[] { (seconds, 1), (kills, 0) })
        {
            option.Validators.Add(result =>
            {
                if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, out int value) && value < least)
                {
                    result.AddError($"{option.Name} is at least {least}.");
                }
            });
        }

        var atCalls = new Option<bool>("--at-calls") { Description = "Let half of the kills fall on a thread's n-th write, flush or rename. Needs strace; named as skipped without." };
        var seed = new Option<int?>("--seed") { Description = "Repeats the choices of a run, though not its timing. Default: another every time.", HelpName = "N" };
        var keep = new Option<bool>("--keep") { Description = "Keep the folder also when nothing is wrong." };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("verify", "Start a server of its own, kill it again and again under load, and compare what was acknowledged with the log, the views and a recount. Exit code 1 on any anomaly.")
        {
            seconds, kills, atCalls, seed, keep, json,
        };
        command.SetAction((parsed, cancel) =>
        {
            var settings = new VerifySettings
            {
                Duration = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                Kills = parsed.GetValue(kills),
                AtCalls = parsed.GetValue(atCalls),
                Seed = parsed.GetValue(seed) ?? Random.Shared.Next(),
                Keep = parsed.GetValue(keep),
                Json = parsed.GetValue(json),
            };
            return new VerifyRun(terminal, settings).RunAsync(cancel);
        });
        return command;
    }
}
