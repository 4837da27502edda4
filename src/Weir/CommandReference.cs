using System.CommandLine;
using System.Globalization;
using System.Text;

namespace Weir.Cli;

/// <summary>Writes docs/reference/cli.md from the command tree; a test holds that the page in the repository is this one.</summary>
internal static class CommandReference
{
    public static string Markdown(RootCommand root)
    {
        var page = new StringBuilder();
        page.Append("# Command line\n\n<!-- Generated from the command tree (src/Weir). `WEIR_WRITE_PAGES=1 ./test --only Weir.Tests` writes it anew. -->\n\n");
        page.Append("`./weir` builds once, then runs the program. Results go to standard output, progress and errors to standard error. ");
        page.Append("`--json` prints the result as one document. Errors are a code and a sentence, what was wrong and where, and what to do; ");
        page.Append("`weir errors CODE` explains one. `NO_COLOR` is honoured.\n\n");
        page.Append("| exit code | meaning |\n|---|---|\n");
        foreach ((int code, string meaning) in ExitCode.All)
        {
            page.Append(CultureInfo.InvariantCulture, $"| {code} | {meaning} |\n");
        }

        foreach (Command command in root.Subcommands.Where(command => !command.Hidden))
        {
            Write(page, command);
        }

        return page.ToString();
    }

    private static void Write(StringBuilder page, Command command)
    {
        if (command.Subcommands.Any(child => !child.Hidden))
        {
            foreach (Command child in command.Subcommands.Where(child => !child.Hidden))
            {
                Write(page, child);
            }

            return;
        }

        Option[] options = [.. command.Options.Where(option => !option.Hidden && option is not System.CommandLine.Help.HelpOption)];
        string arguments = string.Concat(command.Arguments.Where(argument => !argument.Hidden).Select(argument => " " + Usage(argument)));
        page.Append(CultureInfo.InvariantCulture, $"\n## {CommandLine.PathOf(command)}\n\n{command.Description}\n\n");
        page.Append(CultureInfo.InvariantCulture, $"```\n{CommandLine.PathOf(command)}{arguments}{(options.Length > 0 ? " [options]" : "")}\n```\n");
        if (command.Arguments.Count + options.Length == 0)
        {
            return;
        }

        page.Append("\n| | |\n|---|---|\n");
        foreach (Argument argument in command.Arguments.Where(argument => !argument.Hidden))
        {
            page.Append(CultureInfo.InvariantCulture, $"| `{argument.Name}` | {argument.Description}{Default(argument.HasDefaultValue ? argument.GetDefaultValue() : null)} |\n");
        }

        foreach (Option option in options)
        {
            string value = option.ValueType == typeof(bool) ? "" : $" {option.HelpName ?? "VALUE"}";
            string names = string.Join(", ", option.Aliases.Prepend(option.Name).Order(StringComparer.Ordinal).Select(name => $"`{name}{value}`"));
            page.Append(CultureInfo.InvariantCulture, $"| {names} | {option.Description}{Default(option.HasDefaultValue ? option.GetDefaultValue() : null)} |\n");
        }
    }

    private static string Usage(Argument argument)
    {
        string name = argument.Arity.MaximumNumberOfValues > 1 ? argument.Name + "…" : argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static string Default(object? value) =>
        value is null or false or "" or Array ? "" : string.Create(CultureInfo.InvariantCulture, $" Default: {value}.");
}
