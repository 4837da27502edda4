namespace Weir.Cli.Send;

/// <summary>A run of whole lines of one file: the body of one request.</summary>
/// <param name="Source">The file as named on the command line, "-" for standard input.</param>
/// <param name="Body">The lines with their line ends, blank ones left out.</param>
/// <param name="LineNumbers">1-based line of the file for each line of the body; the server's `index` points into it.</param>
/// <param name="IdempotencyKey">The same for the same content at the same place of a file, in this run and every later one.</param>
internal sealed record LineBatch(string Source, byte[] Body, int[] LineNumbers, string IdempotencyKey);
