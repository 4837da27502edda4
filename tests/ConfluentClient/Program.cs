// Confluent.Kafka, the .NET client over librdkafka, as tests/Weir.KafkaTests asks for it; the commands are those of KafkaClient.cs there.
// Usage: ConfluentClient <Confluent.Kafka.dll> <librdkafka> <command> [name=value ...]
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using ConfluentClient;

AssemblyLoadContext.Default.Resolving += (context, name) => name.Name == "Confluent.Kafka" ? context.LoadFromAssemblyPath(args[0]) : null;
Assembly client = Assembly.Load("Confluent.Kafka");
NativeLibrary.SetDllImportResolver(client, (name, _, _) =>
    name.Contains("librdkafka", StringComparison.Ordinal) ? NativeLibrary.Load(args[1])
    : name == "libdl" ? NativeLibrary.Load("libdl.so.2")
    : 0);

// No type of the client may be met before this line.
return Commands.Run(args[2], args.Skip(3).Select(option => option.Split('=', 2)).ToDictionary(option => option[0], option => option[1]));
