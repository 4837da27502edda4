using System.Net;
using Weir.Cli.Load;

namespace Weir.Cli.Verify;

/// <summary>
/// One client: makes bodies, sends each until every event in it is decided, and sometimes sends an old one again. It waits for each answer, so that the
/// order of its acknowledgements is an order. One thread.
/// </summary>
internal sealed class Client(ServerProcess server, IPEndPoint kafka, History history, Workload workload, Random random, TimeSpan patience)
{
    private const int Remembered = 500;

    // Less than a recovering server asks for: nothing is to be won by sparing this one.
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);

    private readonly List<SentBody> _decided = [];

    /// <summary>Sends until <paramref name="pause"/> says that it is over; the body in hand is finished.</summary>
    /// <param name="pause">Waits for the next body's turn; false when there is none.</param>
    public void Run(Func<bool> pause, CancellationToken cancel)
    {
        using var connection = new PatientConnection(server.Address, patience, LongestPause);
        using var producer = new KafkaProducer(kafka, history, random, patience);
        while (pause())
        {
            bool isLateRetry = _decided.Count > 0 && random.Next(12) == 0;
            SentBody body = isLateRetry ? workload.Again(_decided[random.Next(_decided.Count)]) : workload.NextBody();
            if (body.Request.Length > 0)
            {
                connection.SendUntilDecided(() => Sending(body), answer => IsDecided(body, answer), cancel);
            }
            else
            {
                producer.SendUntilDecided(body, cancel);
            }

            if (_decided.Count < Remembered)
            {
                _decided.Add(body);
            }
            else
            {
                _decided[random.Next(Remembered)] = body;
            }
        }
    }

    private byte[] Sending(SentBody body)
    {
        history.Sending(body.Events);
        return body.Request;
    }

    /// <summary>Takes what an answer says, also one of failure: what it lists as decided is decided.</summary>
    private bool IsDecided(SentBody body, RawConnection answer)
    {
        var outcomes = new List<Outcome>();
        long unknown = AnswerReader.Read(answer.Body, outcomes);

        // A single event that is refused is answered with its problem, without a list.
        if (answer.Status == 422 && outcomes.Count == 0 && body.Events.Count == 1)
        {
            outcomes.Add(new Outcome(Index: 0, "refused"));
        }

        history.Answered(body.Events, outcomes);
        return answer.Status is 200 or 202 or 422 && unknown == 0 && outcomes.Count == body.Events.Count && !outcomes.Exists(outcome => outcome.IsOpen);
    }
}
