using System.Globalization;
using System.Numerics;

namespace Weir.Cli;

/// <summary>Columns padded to their widest cell; numbers to the right, text to the left. Built whole, then written.</summary>
internal sealed class TextTable
{
    private readonly string[] _header;
    private readonly bool[] _isNumber;
    private readonly List<string[]> _rows = [];

    /// <param name="header">One name per column; a leading '#' makes it a column of numbers.</param>
    public TextTable(params string[] header)
    {
        _isNumber = Array.ConvertAll(header, name => name.StartsWith('#'));
        _header = Array.ConvertAll(header, name => name.TrimStart('#'));
    }

    public int RowCount => _rows.Count;

    public void Add(params string[] cells) => _rows.Add(cells);

    public void WriteTo(TextWriter writer)
    {
        int[] widths = new int[_header.Length];
        foreach (string[] row in _rows.Prepend(_header))
        {
            for (int i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }

        foreach (string[] row in _rows.Prepend(_header))
        {
            var cells = row.Select((cell, i) => _isNumber[i] ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            writer.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    /// <summary>Digits in groups of three, as people read them.</summary>
    public static string Count<T>(T value)
        where T : INumber<T> => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A duration in the unit that leaves two or three digits before the point at most.</summary>
    public static string Duration(TimeSpan value) => value.TotalSeconds switch
    {
        >= 120 => string.Create(CultureInfo.InvariantCulture, $"{value.TotalMinutes:F1} min"),
        >= 1 => string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:F1} s"),
        >= 0.001 => string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds:F1} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value.TotalMicroseconds:F0} µs"),
    };
}
