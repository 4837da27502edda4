using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Handlers;

/// <summary>InitProducerId: an id for a producer that wants each of its batches once. Without transactions a producer that asks again is a new one (KIP-360).</summary>
internal sealed class InitProducerIdHandler(ServerState state)
{
    public IEnumerable<KafkaApi> Apis => [new(ApiTable.InitProducerId, request => new(Answer(request.As<InitProducerIdRequest>())))];

    private InitProducerIdResponse Answer(InitProducerIdRequest request)
    {
        if (!string.IsNullOrEmpty(request.TransactionalId))
        {
            // The answer has no room for a sentence; FindCoordinator, which a transactional producer asks first, gives it.
            return new InitProducerIdResponse { ErrorCode = KafkaError.TransactionalIdAuthorizationFailed };
        }

        try
        {
            return new InitProducerIdResponse { ProducerId = state.NodeForWriting().NextProducerId(), ProducerEpoch = 0 };
        }
        catch (WeirException)
        {
            return new InitProducerIdResponse { ErrorCode = KafkaError.CoordinatorLoadInProgress };
        }
    }
}
