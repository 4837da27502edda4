using System.Collections.Frozen;
using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Weir.Core;

namespace Weir.Server.Http;

/// <summary>
/// The pages and their assets, embedded into the program from Console/: read, hashed and compressed once at start. Pages are asked for anew
/// each time, cheaply (ETag); nothing is loaded from elsewhere, and the content security policy says so.
/// </summary>
internal sealed class StaticAssets
{
    private const string Prefix = "Weir.Server.Console.";
    private const string SecurityPolicy = "default-src 'self'; img-src 'self' data:; frame-ancestors *; base-uri 'none'; form-action 'self'";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
        [".ico"] = "image/x-icon",
        [".woff2"] = "font/woff2",
        [".json"] = "application/json",
    }.ToFrozenDictionary();

    private readonly FrozenDictionary<string, Asset> _assets;

    private StaticAssets(FrozenDictionary<string, Asset> assets) => _assets = assets;

    /// <summary>Reads the resources; their names are the paths below Console/.</summary>
    public static StaticAssets Load()
    {
        Assembly assembly = typeof(StaticAssets).Assembly;
        return new StaticAssets(assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[Prefix.Length..], name => Asset.Of(assembly.GetManifestResourceStream(name)!, Path.GetExtension(name))));
    }

    /// <param name="path">Below Console/: <c>live.html</c>, <c>assets/weir.css</c>.</param>
    public Task WriteAsync(HttpContext context, string path)
    {
        if (!_assets.TryGetValue(path, out Asset? asset))
        {
            return Problem.WriteAsync(context, ErrorCode.UnknownRoute, $"There is no {context.Request.Path}.");
        }

        HttpResponse response = context.Response;
        response.Headers.ETag = asset.ETag;
        response.Headers.CacheControl = "no-cache";
        response.Headers.ContentSecurityPolicy = SecurityPolicy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.Vary = HeaderNames.AcceptEncoding;
        if (context.Request.Headers.IfNoneMatch == asset.ETag)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        bool isCompressed = asset.Compressed.Length < asset.Plain.Length && context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        byte[] body = isCompressed ? asset.Compressed : asset.Plain;
        if (isCompressed)
        {
            response.Headers.ContentEncoding = "gzip";
        }

        response.ContentType = asset.Type;
        response.ContentLength = body.Length;
        return response.BodyWriter.WriteAsync(body).AsTask();
    }

    private sealed record Asset(byte[] Plain, byte[] Compressed, string Type, string ETag)
    {
        public static Asset Of(Stream resource, string extension)
        {
            var plain = new MemoryStream();
            using (resource)
            {
                resource.CopyTo(plain);
            }

            var compressed = new MemoryStream();
            using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize))
            {
                gzip.Write(plain.ToArray());
            }

            string hash = Convert.ToHexStringLower(SHA256.HashData(plain.ToArray()).AsSpan(0, 8));
            return new Asset(plain.ToArray(), compressed.ToArray(), Types.GetValueOrDefault(extension, "application/octet-stream"), $"\"{hash}\"");
        }
    }
}
