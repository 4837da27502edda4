using Weir.Core;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Weir.Server.Configuration;

/// <summary>
/// Reads one YAML document into <see cref="ConfigurationNode"/>s, each with its line and column. Taken from the parser's events and not
/// from a deserializer, because every later fault must say where the value was written.
/// </summary>
/// <remarks>Anchors, aliases, tags and several documents are refused: a configuration is read by people first. Nesting ends at <see cref="MaxDepth"/>.</remarks>
internal sealed class YamlReader
{
    private const int MaxDepth = 32;

    private readonly string _file;
    private readonly List<ConfigurationFault> _faults;
    private readonly Parser _parser;

    private YamlReader(string text, string file, List<ConfigurationFault> faults)
    {
        _file = file;
        _faults = faults;
        _parser = new Parser(new StringReader(text));
    }

    /// <returns>The document's map; an empty map for an empty document, or where it could not be read (a fault says so).</returns>
    public static ConfigurationNode ReadMap(string text, string file, List<ConfigurationFault> faults)
    {
        ConfigurationNode? root = new YamlReader(text, file, faults).Read();
        if (root is { Kind: ConfigurationNodeKind.Map })
        {
            return root;
        }

        if (root is { IsNull: false })
        {
            faults.Add(new ConfigurationFault(ErrorCode.ConfigurationSyntax, "", "The file must hold keys and values, as in `data: ./data`.", root.Origin));
        }

        return new ConfigurationNode(ConfigurationNodeKind.Map, new ConfigurationOrigin(ConfigurationLayer.File, file));
    }

    /// <summary>Reads a value given outside a file, such as <c>[year, from]</c> in an environment variable. Falls back to plain text where it is not YAML.</summary>
    public static ConfigurationNode ReadValue(string text, ConfigurationOrigin origin)
    {
        var faults = new List<ConfigurationFault>();
        ConfigurationNode? node = new YamlReader(text, "", faults).Read();
        return node is null || faults.Count > 0 ? new ConfigurationNode(ConfigurationNodeKind.Scalar, origin) { Text = text } : Moved(node, origin);
    }

    private static ConfigurationNode Moved(ConfigurationNode node, ConfigurationOrigin origin)
    {
        var moved = new ConfigurationNode(node.Kind, origin) { Text = node.Text, IsText = node.IsText };
        node.Elements.ForEach(element => moved.Elements.Add(Moved(element, origin)));
        node.Entries.ForEach(entry => moved.Entries.Add(new ConfigurationEntry(entry.Key, origin, Moved(entry.Value, origin))));
        return moved;
    }

    private ConfigurationNode? Read()
    {
        try
        {
            _parser.Consume<StreamStart>();
            if (_parser.Accept<StreamEnd>(out _))
            {
                return null;
            }

            _parser.Consume<DocumentStart>();
            ConfigurationNode root = ReadNode(depth: 0);
            _parser.Consume<DocumentEnd>();
            if (_parser.Accept<DocumentStart>(out DocumentStart? second))
            {
                throw new YamlException(second.Start, second.End, "only one document is allowed in a file");
            }

            return root;
        }
        catch (YamlException syntax)
        {
            _faults.Add(new ConfigurationFault(ErrorCode.ConfigurationSyntax, "", "This is not YAML that can be read: " + Sentence(syntax), At(syntax.Start)));
            return null;
        }
        catch (Exception broken) when (broken is InvalidOperationException or ArgumentException)
        {
            // The parser means to raise a YamlException for every text that is no YAML, and does not for some.
            _faults.Add(new ConfigurationFault(ErrorCode.ConfigurationSyntax, "", "This is not YAML that can be read: " + broken.Message, new ConfigurationOrigin(ConfigurationLayer.File, _file)));
            return null;
        }
    }

    private ConfigurationNode ReadNode(int depth)
    {
        ParsingEvent next = _parser.Current ?? throw new YamlException("the file ends within a value");
        if (depth > MaxDepth)
        {
            throw new YamlException(next.Start, next.End, FormattableString.Invariant($"values are nested deeper than {MaxDepth}"));
        }

        if (next is AnchorAlias || (next is NodeEvent node && !node.Anchor.IsEmpty))
        {
            throw new YamlException(next.Start, next.End, "anchors and aliases are not supported; write the value out");
        }

        return next switch
        {
            MappingStart => ReadMapping(depth),
            SequenceStart => ReadSequence(depth),
            _ => ReadScalar(),
        };
    }

    private ConfigurationNode ReadScalar()
    {
        Scalar scalar = _parser.Consume<Scalar>();
        return new ConfigurationNode(ConfigurationNodeKind.Scalar, At(scalar.Start)) { Text = scalar.Value, IsText = scalar.Style != ScalarStyle.Plain };
    }

    private ConfigurationNode ReadSequence(int depth)
    {
        var list = new ConfigurationNode(ConfigurationNodeKind.List, At(_parser.Consume<SequenceStart>().Start));
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            list.Elements.Add(ReadNode(depth + 1));
        }

        return list;
    }

    private ConfigurationNode ReadMapping(int depth)
    {
        var map = new ConfigurationNode(ConfigurationNodeKind.Map, At(_parser.Consume<MappingStart>().Start));
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            Scalar key = _parser.Consume<Scalar>();
            ConfigurationEntry? first = map.Entries.Find(entry => entry.Key == key.Value);
            ConfigurationNode value = ReadNode(depth + 1);
            if (first is null)
            {
                map.Entries.Add(new ConfigurationEntry(key.Value, At(key.Start), value));
            }
            else
            {
                _faults.Add(new ConfigurationFault(ErrorCode.ConfigurationSyntax, key.Value, $"The key stands twice in this section, first at {first.Origin}.", At(key.Start)));
            }
        }

        return map;
    }

    private ConfigurationOrigin At(Mark mark) =>
        new(ConfigurationLayer.File, _file, checked((int)mark.Line), checked((int)mark.Column));

    // The library's message repeats the place; its inner part is the reason.
    private static string Sentence(YamlException syntax)
    {
        string text = syntax.Message;
        int reason = text.IndexOf("): ", StringComparison.Ordinal);
        text = (reason < 0 ? text : text[(reason + 3)..]).Trim().TrimEnd('.');
        return text + ".";
    }
}
