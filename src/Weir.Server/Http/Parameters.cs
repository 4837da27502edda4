using System.Globalization;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Server.Configuration;

namespace Weir.Server.Http;

/// <summary>Query parameters with their ranges; what cannot be used is told with the parameter's name.</summary>
internal static class Parameters
{
    /// <returns>Null where it is not given.</returns>
    /// <exception cref="WeirException"><see cref="ErrorCode.InvalidParameter"/>.</exception>
    public static long? Integer(HttpContext context, string name, long min, long max)
    {
        string? text = context.Request.Query[name];
        if (text is null)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= min && value <= max
            ? value
            : throw Invalid(name, text, string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"));
    }

    /// <summary>A time such as <c>500ms</c> or <c>5s</c>.</summary>
    public static TimeSpan Duration(HttpContext context, string name, TimeSpan otherwise, TimeSpan max)
    {
        string? text = context.Request.Query[name];
        if (text is null)
        {
            return otherwise;
        }

        return ConfigurationUnits.TryParseDuration(text, out TimeSpan value) && value <= max
            ? value
            : throw Invalid(name, text, string.Create(CultureInfo.InvariantCulture, $"a time such as 500ms or 5s, at most {max.TotalSeconds}s"));
    }

    public static bool Flag(HttpContext context, string name)
    {
        string? text = context.Request.Query[name];
        return text switch
        {
            null or "false" => false,
            "" or "true" => true,
            _ => throw Invalid(name, text, "true or false"),
        };
    }

    /// <summary>A position of a stream; null where it is not given.</summary>
    public static Position? Position(HttpContext context, string name, string stream, int partitions)
    {
        string? text = context.Request.Query[name];
        if (text is null)
        {
            return null;
        }

        return Core.Position.TryParse(text, stream, partitions, out Position? position)
            ? position
            : throw new WeirException(ErrorCode.InvalidPosition, string.Create(CultureInfo.InvariantCulture, $"{name} is `{text}`; expected {stream}:0=…, with partitions 0 to {partitions - 1}."));
    }

    public static WeirException Invalid(string name, string value, string expected) =>
        new(ErrorCode.InvalidParameter, $"{name} is `{value}`; expected {expected}.");
}
