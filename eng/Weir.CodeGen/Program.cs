using Weir.CodeGen;

// dotnet run --project eng/Weir.CodeGen, anywhere in the repository.
string? root = Environment.CurrentDirectory;
while (root is not null && !File.Exists(Path.Combine(root, "Weir.slnx")))
{
    root = Path.GetDirectoryName(root);
}

if (root is null)
{
    Console.Error.WriteLine("run it inside of the repository");
    return 1;
}

string project = Path.Combine(root, "src", "Weir.Kafka.Protocol");
string folder = Path.Combine(project, "Messages");
SortedDictionary<string, string> files;
try
{
    files = KafkaCode.Generate(KafkaCode.ReadSchemas(Path.Combine(project, "Schema")));
}
catch (FormatException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

Directory.CreateDirectory(folder);
foreach (string gone in Directory.EnumerateFiles(folder, "*.cs").Where(file => !files.ContainsKey("Messages/" + Path.GetFileName(file))))
{
    File.Delete(gone);
}

foreach ((string name, string text) in files)
{
    File.WriteAllText(Path.Combine(project, name), text);
}

Console.WriteLine($"{files.Count} files in {project}");
return 0;
