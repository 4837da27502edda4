using Weir.Core;

namespace Weir.Engine;

/// <summary>Names of streams and views: they are directory names, topic names and parts of addresses.</summary>
internal static class Names
{
    /// <summary>1 to 100 of a-z, A-Z, 0-9, dot, underscore and hyphen, not beginning with a dot: Kafka's rule for topics, shorter.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.ConfigurationValue"/>.</exception>
    public static void Check(string name, string what)
    {
        bool isGood = name.Length is > 0 and <= 100 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
        if (!isGood)
        {
            throw new WeirException(ErrorCode.ConfigurationValue, $"'{name}' cannot be the name of a {what}: 1 to 100 letters, digits, dots, underscores and hyphens, not beginning with a dot.");
        }
    }
}
