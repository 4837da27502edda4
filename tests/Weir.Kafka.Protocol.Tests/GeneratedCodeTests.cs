using Weir.CodeGen;

namespace Weir.Kafka.Protocol.Tests;

public sealed class GeneratedCodeTests
{
    [Fact]
    public void The_committed_messages_are_what_the_generator_writes_from_the_schemas()
    {
        SortedDictionary<string, string> generated = KafkaCode.Generate(Schemas.All);

        foreach ((string name, string text) in generated)
        {
            Assert.True(File.ReadAllText(Path.Combine(Schemas.ProjectFolder, name)) == text, $"{name} differs: dotnet run --project eng/Weir.CodeGen");
        }

        IEnumerable<string> committed = Directory.EnumerateFiles(Path.Combine(Schemas.ProjectFolder, "Messages")).Select(file => "Messages/" + Path.GetFileName(file));
        Assert.Empty(committed.Except(generated.Keys));
    }

    [Theory]
    [InlineData("api 0 A\nversions 0-1\nflexible 1+\nrequest\n  X nothing\nresponse\n", 6, "a structure has fields")]
    [InlineData("api 0 A\nversions 0-1\nflexible 1+\nrequest\n  X int32\n    Y int32\nresponse\n", 7, "a structure has fields")]
    [InlineData("api 0 A\nversions 0-1\nflexible 1+\nrequest\n  X int32 2+\nresponse\n", 5, "versions 2+ within 0-1")]
    [InlineData("api 0 A\nversions 0-1\nflexible 1+\nrequest\n  X int32?0-9\nresponse\n", 5, "versions 0-9 within 0-1")]
    [InlineData("api 0 A\nversions 0-1\nflexible 1+\nrequest\n  X records 1+ tag 0\nresponse\n", 6, "records cannot be in a tagged field")]
    [InlineData("api 0 A\nversions 0-1\nflexible 1+\nrequest\n      X int32\nresponse\n", 5, "indented further")]
    [InlineData("api 0 A\nversions 0-1\nflexible 1+\nrequest\n  X int32 1+ whatever\nresponse\n", 5, "'whatever' is neither")]
    [InlineData("# only this\napi 0 A\nversions 0-1\nrequest\n", 4, "'flexible' expected")]
    public void A_schema_that_makes_no_sense_is_refused_with_its_line(string text, int line, string what)
    {
        var refused = Assert.Throws<FormatException>(() => ApiSchema.Parse(text, "A.kafka"));

        Assert.StartsWith($"A.kafka({line}): ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(what, refused.Message, StringComparison.Ordinal);
    }
}
