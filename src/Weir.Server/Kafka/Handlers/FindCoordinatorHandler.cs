using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Handlers;

/// <summary>FindCoordinator: this node coordinates every group. A transactional producer asks here first, and is told here why it has none.</summary>
internal sealed class FindCoordinatorHandler(KafkaServer server)
{
    private const sbyte Group = 0;
    private const sbyte Transaction = 1;
    private const short FirstWithSeveral = 4;

    public IEnumerable<KafkaApi> Apis => [new(ApiTable.FindCoordinator, request => new(Answer(request)))];

    private FindCoordinatorResponse Answer(KafkaRequest request)
    {
        var asked = request.As<FindCoordinatorRequest>();
        (string host, int port) = server.AdvertisedTo(request.Connection);
        (KafkaError error, string? text) = asked.KeyType switch
        {
            Group => (KafkaError.None, null),
            Transaction => (KafkaError.TransactionalIdAuthorizationFailed, ProduceHandler.NoTransactions),
            _ => (KafkaError.InvalidRequest, $"There are no coordinators of kind {asked.KeyType}."),
        };
        bool isFound = error == KafkaError.None;
        if (request.Version < FirstWithSeveral)
        {
            return new FindCoordinatorResponse { ErrorCode = error, ErrorMessage = text, NodeId = isFound ? KafkaTopics.NodeId : -1, Host = isFound ? host : "", Port = isFound ? port : -1 };
        }

        return new FindCoordinatorResponse
        {
            Coordinators = [.. asked.CoordinatorKeys.Select(key => new FindCoordinatorResponse.Coordinator
            {
                Key = key,
                ErrorCode = error,
                ErrorMessage = text,
                NodeId = isFound ? KafkaTopics.NodeId : -1,
                Host = isFound ? host : "",
                Port = isFound ? port : -1,
            })],
        };
    }
}
