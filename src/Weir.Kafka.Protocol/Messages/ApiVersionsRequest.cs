// Written by eng/Weir.CodeGen from Schema/ApiVersions.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of ApiVersions (API 18), versions 0 to 4.</summary>
public sealed class ApiVersionsRequest : IKafkaMessage
{
    /// <summary>Name of the client library. From version 3 on.</summary>
    public string ClientSoftwareName { get; set; } = "";

    /// <summary>Version of the client library. From version 3 on.</summary>
    public string ClientSoftwareVersion { get; set; } = "";

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ApiVersionsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.ApiVersions, isRequest: true, version);
        var read = new ApiVersionsRequest();
        if (version >= 3)
        {
            read.ClientSoftwareName = reader.ReadString();
            read.ClientSoftwareVersion = reader.ReadString();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.ApiVersions, version);
        if (version >= 3)
        {
            writer.WriteString(ClientSoftwareName);
            writer.WriteString(ClientSoftwareVersion);
        }

        writer.WriteTagCount(0);
    }
}
