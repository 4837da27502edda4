using Microsoft.Extensions.Logging;

namespace Weir.Server;

/// <content>What the server says in its log; the node's own events have the ids of <see cref="Weir.Engine.EngineEvent"/> (1001 on).</content>
public sealed partial class ServerHost
{
    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Listening on {Address}")]
        public static partial void Listening(ILogger log, Uri address);

        [LoggerMessage(2, LogLevel.Information, "Ready on {Address} after {Seconds:0.00} s")]
        public static partial void Ready(ILogger log, Uri address, double seconds);

        [LoggerMessage(3, LogLevel.Information, "Stopping: not ready for {DrainSeconds} s, then no more writes, flush, exit")]
        public static partial void Stopping(ILogger log, double drainSeconds);

        [LoggerMessage(4, LogLevel.Information, "Stopped: everything taken is on disk")]
        public static partial void Stopped(ILogger log);

        [LoggerMessage(5, LogLevel.Error, "The {What} is not defined as configured, and is tried again: {Reason}")]
        public static partial void Delayed(ILogger log, string what, string reason);

        [LoggerMessage(6, LogLevel.Information, "Listening for Kafka clients on {Host}:{Port}")]
        public static partial void ListeningForKafka(ILogger log, string host, int port);
    }
}
