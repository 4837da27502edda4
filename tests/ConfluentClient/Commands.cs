using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace ConfluentClient;

/// <summary>What the program can be asked to do; it tells one JSON object a line.</summary>
internal static class Commands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly Lock Telling = new();

    private static Dictionary<string, string> _options = [];

    private static string Topic => _options["topic"];

    /// <returns>The exit code.</returns>
    public static int Run(string command, Dictionary<string, string> options)
    {
        _options = options;
        switch (command)
        {
            case "version":
                Version version = typeof(ClientConfig).Assembly.GetName().Version!;
                Console.WriteLine($"{version.ToString(3)}, librdkafka {Library.VersionString}");
                break;
            case "produce":
                return Produce();
            case "consume":
                using (IConsumer<string?, string> consumer = Reader())
                {
                    ReadToEnd(consumer, Partitions(partition => new TopicPartitionOffset(partition, Offset.Beginning)));
                }

                break;
            case "since":
                using (IConsumer<string?, string> consumer = Reader())
                {
                    ReadToEnd(consumer, consumer.OffsetsForTimes(
                        Partitions(partition => new TopicPartitionTimestamp(partition, new Timestamp(long.Parse(_options["since"]), TimestampType.NotAvailable))), Patience));
                }

                break;
            case "member":
                TakePart();
                break;
            case "admin":
                Administer();
                break;
            default:
                Console.Error.WriteLine($"There is no command {command}.");
                return 2;
        }

        return 0;
    }

    private static Dictionary<string, string> Client(params ReadOnlySpan<(string Name, string Value)> more)
    {
        var config = new Dictionary<string, string> { ["bootstrap.servers"] = _options["servers"], ["reconnect.backoff.max.ms"] = "500" };
        foreach ((string name, string value) in more)
        {
            config[name] = value;
        }

        return config;
    }

    private static void Tell(object line)
    {
        lock (Telling)
        {
            Console.WriteLine(JsonSerializer.Serialize(line));
        }
    }

    private static void Tell(ConsumeResult<string?, string> record) =>
        Tell(new { partition = record.Partition.Value, offset = record.Offset.Value, key = record.Message.Key, payload = record.Message.Value });

    private static int Produce()
    {
        using IProducer<string?, string> producer = new ProducerBuilder<string?, string>(Client(
            ("acks", "all"),
            ("enable.idempotence", _options.GetValueOrDefault("idempotent", "false")),
            ("compression.type", _options.GetValueOrDefault("codec", "none")),
            ("linger.ms", "20"),
            ("batch.num.messages", "50"),
            ("retry.backoff.ms", "50"))).Build();
        int failed = 0;
        while (Console.ReadLine() is { } line)
        {
            string[] parts = line.Split('\t');
            producer.Produce(Topic, new Message<string?, string> { Key = parts[0].Length == 0 ? null : parts[0], Value = parts[1] }, told =>
            {
                if (told.Error.IsError)
                {
                    Interlocked.Increment(ref failed);
                    Console.Error.WriteLine(told.Error);
                }
                else
                {
                    Tell(new { acknowledged = told.Offset.Value, partition = told.Partition.Value });
                }
            });
        }

        return producer.Flush(Patience * 2) == 0 && failed == 0 ? 0 : 1;
    }

    private static IConsumer<string?, string> Reader() => new ConsumerBuilder<string?, string>(Client(
        ("group.id", "reader"), ("enable.auto.commit", "false"), ("enable.partition.eof", "true"), ("auto.offset.reset", "earliest"), ("fetch.wait.max.ms", "100"))).Build();

    private static List<T> Partitions<T>(Func<TopicPartition, T> of)
    {
        using IAdminClient admin = new AdminClientBuilder(Client()).Build();
        return [.. admin.GetMetadata(Topic, Patience).Topics.Single().Partitions.Select(partition => of(new TopicPartition(Topic, partition.PartitionId)))];
    }

    private static void ReadToEnd(IConsumer<string?, string> consumer, List<TopicPartitionOffset> from)
    {
        consumer.Assign(from);
        int open = from.Count;
        while (open > 0)
        {
            ConsumeResult<string?, string> record = consumer.Consume(Patience) ?? throw new TimeoutException($"{open} partitions have not ended");
            if (record.IsPartitionEOF)
            {
                open--;
            }
            else
            {
                Tell(record);
            }
        }

        consumer.Close();
    }

    private static void TakePart()
    {
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            stop.Cancel();
        });
        using IConsumer<string?, string> consumer = new ConsumerBuilder<string?, string>(Client(
            ("group.id", _options["group"]),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            ("session.timeout.ms", "1500"),
            ("heartbeat.interval.ms", "300"),
            ("partition.assignment.strategy", _options.GetValueOrDefault("assignor", "cooperative-sticky")),
            ("fetch.wait.max.ms", "100"))).Build();
        consumer.Subscribe(Topic);
        while (!stop.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
            {
                continue;
            }

            Tell(record);
            try
            {
                consumer.Commit(record);
                Tell(new { partition = record.Partition.Value, committed = record.Offset.Value + 1 });
            }
            catch (KafkaException refused)
            {
                Console.Error.WriteLine(refused.Message);
            }
        }

        try
        {
            // What was refused above, during a rebalance, is still to be committed.
            consumer.Commit();
        }
        catch (KafkaException refused)
        {
            Console.Error.WriteLine(refused.Message);
        }

        consumer.Close();
    }

    private static void Administer()
    {
        using IAdminClient admin = new AdminClientBuilder(Client()).Build();
        while (Console.ReadLine() is { } line)
        {
            string[] step = line.Split(' ');
            try
            {
                Tell(new { step = step[0], answer = Do(admin, step).GetAwaiter().GetResult() });
            }
            catch (KafkaException refused)
            {
                Tell(new { step = step[0], error = Sentence(refused) });
            }
        }
    }

    private static string Sentence(KafkaException refused) => refused switch
    {
        CreateTopicsException all => all.Results[0].Error.Reason,
        CreatePartitionsException all => all.Results[0].Error.Reason,
        DeleteTopicsException all => all.Results[0].Error.Reason,
        _ => refused.Message,
    };

    private static async Task<object> Do(IAdminClient admin, string[] step)
    {
        switch (step[0])
        {
            case "create":
                await admin.CreateTopicsAsync([new TopicSpecification { Name = step[1], NumPartitions = int.Parse(step[2]), ReplicationFactor = 1 }]);
                return "";
            case "delete":
                await admin.DeleteTopicsAsync([step[1]]);
                return "";
            case "partitions":
                await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = step[1], IncreaseTo = int.Parse(step[2]) }]);
                return "";
            case "configs":
                DescribeConfigsResult told = (await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = step[1] }])).Single();
                return told.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Value);
            case "alter":
                await AlterAsync(admin, step);
                return "";
            case "groups":
                return admin.ListGroups(Patience).Select(group => group.Group);
            case "group":
                return admin.ListGroup(step[1], Patience).State;
            case "forget":
                await admin.DeleteGroupsAsync([step[1]]);
                return "";
            default:
                throw new ArgumentException(step[0]);
        }
    }

    // Of its own, because 1.9.3 has no such call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task AlterAsync(IAdminClient admin, string[] step) => admin.IncrementalAlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>>
    {
        [new ConfigResource { Type = ResourceType.Topic, Name = step[1] }] = [new ConfigEntry { Name = step[2], Value = step[3], IncrementalOperation = AlterConfigOpType.Set }],
    });
}
