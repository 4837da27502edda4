namespace Weir.Core;

/// <summary>
/// What the fold decided for a record. The numbers are on disk (verdict files, snapshots) and frozen: a value may be added, never changed.
/// "Refused" is not among them: a refused event was never appended and has no offset.
/// </summary>
public enum Verdict : byte
{
    /// <summary>A marker's place: control records get no verdict.</summary>
    None = 0,

    /// <summary>First of its identity and within its owner's claim; every view sees it.</summary>
    Counted = 1,

    /// <summary>The same identity as a counted event: a retry. Not a dead letter.</summary>
    Duplicate = 2,

    /// <summary>Counted, in place of the owner's earlier event (<c>keep: last</c>).</summary>
    Replaced = 3,

    /// <summary>The owner has used its claim. Dead letter.</summary>
    Taken = 4,

    /// <summary>Before opening or after closing. Dead letter.</summary>
    Closed = 5,

    /// <summary>Its window is final. Dead letter. Reserved: lateness is not supported yet.</summary>
    Late = 6,

    /// <summary>Not a JSON object, or without what the stream's definition requires. Dead letter.</summary>
    Invalid = 7,
}

/// <summary>What a verdict means for counting and for dead letters.</summary>
public static class VerdictRules
{
    /// <summary>True for the verdicts that views apply and that leave identity and claim behind.</summary>
    public static bool IsCounted(this Verdict verdict) => verdict is Verdict.Counted or Verdict.Replaced;

    /// <summary>True for the verdicts whose records are dead letters: kept, countable, inspectable, replayable.</summary>
    public static bool IsDeadLetter(this Verdict verdict) => verdict is Verdict.Taken or Verdict.Closed or Verdict.Late or Verdict.Invalid;

    /// <summary>The word used in answers, metrics and files.</summary>
    public static string Word(this Verdict verdict) => verdict switch
    {
        Verdict.Counted => "counted",
        Verdict.Duplicate => "duplicate",
        Verdict.Replaced => "replaced",
        Verdict.Taken => "taken",
        Verdict.Closed => "closed",
        Verdict.Late => "late",
        Verdict.Invalid => "invalid",
        _ => "marker",
    };
}

/// <summary>Why a record got its verdict, where one verdict has several causes. On disk beside the verdict (4 bits), so frozen.</summary>
public enum VerdictReason : byte
{
    None = 0,
    NotOpenYet = 1,
    AfterClose = 2,
    NotAnObject = 3,
    KeyMissing = 4,
    KeyWrongType = 5,
    IdMissing = 6,
    IdWrongType = 7,
    FieldMismatch = 8,
    DuplicateField = 9,
    OverLimit = 10,
}
