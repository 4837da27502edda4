using System.Globalization;
using System.Net;

namespace Weir.Server.Configuration;

/// <summary>An address to listen on.</summary>
/// <param name="Address">Null for every address of the machine.</param>
/// <param name="Port">0 takes a free one.</param>
public sealed record ListenAddress(IPAddress? Address, int Port)
{
    /// <summary>True when only this machine reaches it.</summary>
    public bool IsLoopback => Address is not null && IPAddress.IsLoopback(Address);

    /// <summary>Reads <c>127.0.0.1:8080</c>, <c>[::1]:8080</c>, <c>localhost:8080</c>, <c>*:8080</c>; <c>localhost</c> is 127.0.0.1.</summary>
    public static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ListenAddress? listen)
    {
        listen = null;
        int colon = text.LastIndexOf(':');
        if (colon < 1 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return false;
        }

        string host = text[..colon];
        if (host is "*" or "+")
        {
            listen = new ListenAddress(null, port);
            return true;
        }

        bool bracketed = host is ['[', .., ']'];
        if (host == "localhost")
        {
            listen = new ListenAddress(IPAddress.Loopback, port);
        }
        else if (IPAddress.TryParse(bracketed ? host[1..^1] : host, out IPAddress? address)
            && bracketed == (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6))
        {
            listen = new ListenAddress(address, port);
        }

        return listen is not null;
    }

    /// <summary>Reads one URL of <c>ASPNETCORE_URLS</c>; https is refused, there is no TLS yet.</summary>
    public static bool TryParseUrl(string url, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ListenAddress? listen)
    {
        listen = null;
        const string Scheme = "http://";
        if (!url.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        string rest = url[Scheme.Length..].TrimEnd('/');
        bool hasPort = rest.LastIndexOf(':') > rest.LastIndexOf(']');
        return TryParse(hasPort ? rest : rest + ":80", out listen);
    }

    public override string ToString() => Address is null
        ? FormattableString.Invariant($"*:{Port}")
        : new IPEndPoint(Address, Port).ToString();
}
