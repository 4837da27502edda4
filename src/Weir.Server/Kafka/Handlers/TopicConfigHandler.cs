using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Storage;

namespace Weir.Server.Kafka.Handlers;

/// <summary>DescribeConfigs, IncrementalAlterConfigs: of a topic its retention can be changed, the rest is shown.</summary>
internal sealed class TopicConfigHandler(ServerState state, KafkaTopics topics, KafkaOptions options)
{
    private const sbyte Topic = 2;
    private const sbyte Broker = 4;

    private const sbyte FromTopic = 1;
    private const sbyte FromDefault = 5;

    private const sbyte SetIt = 0;
    private const sbyte DeleteIt = 1;

    private const sbyte TypeText = 2;
    private const sbyte TypeLong = 5;

    public IEnumerable<KafkaApi> Apis =>
    [
        new(ApiTable.DescribeConfigs, request => new(Describe(request.As<DescribeConfigsRequest>()))),
        new(ApiTable.IncrementalAlterConfigs, async request => await AlterAsync(request.As<IncrementalAlterConfigsRequest>())),
    ];

    private DescribeConfigsResponse Describe(DescribeConfigsRequest request) => new()
    {
        Results = [.. request.Resources.Select(resource =>
        {
            var result = new DescribeConfigsResponse.DescribeConfigsResult { ResourceType = resource.ResourceType, ResourceName = resource.ResourceName, ErrorMessage = null };
            IEnumerable<DescribeConfigsResponse.DescribeConfigsResourceResult> configs = [];
            if (resource.ResourceType == Broker)
            {
                configs = OfBroker();
            }
            else if (resource.ResourceType != Topic)
            {
                (result.ErrorCode, result.ErrorMessage) = (KafkaError.InvalidRequest, "Topics (2) and the broker (4) have a configuration here.");
            }
            else if (topics.TryFind(resource.ResourceName, out EventStream? stream, out KafkaError error))
            {
                configs = OfTopic(stream);
            }
            else
            {
                result.ErrorCode = error;
            }

            result.Configs = [.. configs.Where(config => resource.ConfigurationKeys is null || resource.ConfigurationKeys.Contains(config.Name))];
            return result;
        })],
    };

    private static IEnumerable<DescribeConfigsResponse.DescribeConfigsResourceResult> OfTopic(EventStream stream)
    {
        var retention = new TopicRetention(stream.Definition.Retention);
        yield return Entry(TopicRetention.Milliseconds, retention.MillisecondsText, stream.Definition.Retention?.Age is null ? FromDefault : FromTopic, TypeLong, isReadOnly: false);
        yield return Entry(TopicRetention.Bytes, retention.BytesText, stream.Definition.Retention?.Bytes is null ? FromDefault : FromTopic, TypeLong, isReadOnly: false);
        yield return Entry("cleanup.policy", "delete", FromDefault, TypeText);
        yield return Entry("compression.type", "producer", FromDefault, TypeText);
        yield return Entry("message.timestamp.type", "CreateTime", FromDefault, TypeText);
        yield return Entry("weir.definition", Encoding.UTF8.GetString(stream.Definition.ToJson()), FromTopic, TypeText);
    }

    private IEnumerable<DescribeConfigsResponse.DescribeConfigsResourceResult> OfBroker()
    {
        yield return Entry("socket.request.max.bytes", options.RequestBytes.ToString(CultureInfo.InvariantCulture), FromDefault, TypeLong);
        yield return Entry("connections.max.idle.ms", ((long)options.Idle.TotalMilliseconds).ToString(CultureInfo.InvariantCulture), FromDefault, TypeLong);
        yield return Entry("message.max.bytes", Math.Min(options.RequestBytes, BatchContent.MostBytes).ToString(CultureInfo.InvariantCulture), FromDefault, TypeLong);
        yield return Entry("auto.create.topics.enable", "false", FromDefault, TypeText);
    }

    private static DescribeConfigsResponse.DescribeConfigsResourceResult Entry(string name, string value, sbyte source, sbyte type, bool isReadOnly = true) =>
        new() { Name = name, Value = value, ConfigSource = source, ConfigType = type, ReadOnly = isReadOnly, Documentation = null };

    private async Task<IncrementalAlterConfigsResponse> AlterAsync(IncrementalAlterConfigsRequest request)
    {
        var responses = new List<IncrementalAlterConfigsResponse.AlterConfigsResourceResponse>();
        foreach (IncrementalAlterConfigsRequest.AlterConfigsResource resource in request.Resources)
        {
            (KafkaError error, string? text) = await AlterAsync(resource, request.ValidateOnly);
            responses.Add(new IncrementalAlterConfigsResponse.AlterConfigsResourceResponse { ResourceType = resource.ResourceType, ResourceName = resource.ResourceName, ErrorCode = error, ErrorMessage = text });
        }

        return new IncrementalAlterConfigsResponse { Responses = responses };
    }

    private async Task<(KafkaError Error, string? Text)> AlterAsync(IncrementalAlterConfigsRequest.AlterConfigsResource resource, bool validateOnly)
    {
        if (resource.ResourceType != Topic)
        {
            return (KafkaError.InvalidRequest, "Only a topic's configuration can be changed here; the server's is weir.yaml.");
        }

        if (!topics.TryFind(resource.ResourceName, out EventStream? stream, out KafkaError error))
        {
            return (error, null);
        }

        var retention = new TopicRetention(stream.Definition.Retention);

        // What is taken away first makes room for what is set.
        foreach (IncrementalAlterConfigsRequest.AlterableConfig config in resource.Configs.OrderByDescending(config => config.ConfigOperation == DeleteIt))
        {
            string? wrong = config.ConfigOperation is SetIt or DeleteIt
                ? retention.Set(config.Name, config.ConfigOperation == DeleteIt ? null : config.Value)
                : $"{config.Name} is no list: it can be set and deleted.";
            if (wrong is not null)
            {
                return (KafkaError.InvalidConfig, wrong);
            }
        }

        try
        {
            StreamDefinition definition = StreamDefinition.Parse((stream.Definition with { Retention = retention.Value }).ToJson());
            if (!validateOnly)
            {
                await state.NodeForWriting(stream.Name).DefineStreamAsync(stream.Name, definition);
            }

            return (KafkaError.None, null);
        }
        catch (WeirException failure)
        {
            return (failure is DefinitionException || failure.Code == ErrorCode.ReservedName ? KafkaError.InvalidConfig : KafkaTopics.ErrorOf(failure.Code), failure.Message);
        }
    }
}
