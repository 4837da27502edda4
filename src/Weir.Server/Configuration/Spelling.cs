namespace Weir.Server.Configuration;

/// <summary>"Did you mean": the known word that is the fewest single-letter edits away.</summary>
internal static class Spelling
{
    /// <returns>Null when nothing is near: at most one edit in three letters, and at least one allowed.</returns>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        int allowed = Math.Max(1, word.Length / 3);
        return known.Where(candidate => candidate != "*")
            .Select(candidate => (Candidate: candidate, Edits: Distance(word, candidate)))
            .Where(pair => pair.Edits <= allowed)
            .OrderBy(pair => pair.Edits).ThenBy(pair => pair.Candidate, StringComparer.Ordinal)
            .Select(pair => pair.Candidate).FirstOrDefault();
    }

    // Levenshtein's distance, with two letters swapped as one edit.
    private static int Distance(string left, string right)
    {
        var edits = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
        {
            for (int j = 0; j <= right.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    edits[i, j] = i + j;
                    continue;
                }

                int change = edits[i - 1, j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                edits[i, j] = Math.Min(change, Math.Min(edits[i - 1, j], edits[i, j - 1]) + 1);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    edits[i, j] = Math.Min(edits[i, j], edits[i - 2, j - 2] + 1);
                }
            }
        }

        return edits[left.Length, right.Length];
    }
}
