namespace Weir.Simulator;

/// <summary>Everything that a run does to the engine. <see cref="Totals"/> counts each when it came to pass, and a test holds that none is never drawn.</summary>
internal enum FaultKind
{
    /// <summary>The process dies, the disk keeps what it had been given.</summary>
    Kill,

    /// <summary>The process dies and what was not flushed arrived or did not.</summary>
    PowerLoss,

    /// <summary>The process died before it served: a crash while it recovered from the one before.</summary>
    CrashDuringRecovery,

    /// <summary>The node was asked to stop, and started again.</summary>
    CleanStop,

    /// <summary>A written piece is gone after a power loss.</summary>
    WriteLost,

    /// <summary>Of pieces written side by side some are there after a power loss, in 512 bytes.</summary>
    WriteTornAt512,

    /// <summary>The same on a disk that writes 4 KiB in one piece.</summary>
    WriteTornAt4096,

    /// <summary>A piece is there after a power loss, and one before it in the file is not.</summary>
    WriteReordered,

    /// <summary>A file has another length than was written after a power loss.</summary>
    LengthLost,

    /// <summary>A file that was made, renamed or deleted is not, after a power loss.</summary>
    NameLost,

    /// <summary>A read fails with EIO.</summary>
    ReadIoError,

    /// <summary>A write, open, rename or unlink fails with EIO; of a write a part has happened.</summary>
    WriteIoError,

    /// <summary>ENOSPC, before the disk is full.</summary>
    WriteNoSpace,

    /// <summary>EROFS.</summary>
    WriteReadOnly,

    /// <summary>EDQUOT.</summary>
    WriteQuota,

    /// <summary>A flush fails with EIO; a part of what it should bring to the disk has arrived, and the rest counts as clean.</summary>
    FlushIoError,

    /// <summary>The same with ENOSPC.</summary>
    FlushNoSpace,

    /// <summary>The same with EROFS.</summary>
    FlushReadOnly,

    /// <summary>The same with EDQUOT.</summary>
    FlushQuota,

    /// <summary>A flush takes 100 ms or more.</summary>
    FlushSlow,

    /// <summary>The disk has no room for a while.</summary>
    DiskFull,

    /// <summary>A bit of an index, verdict, key or snapshot file flips.</summary>
    RotDerived,

    /// <summary>A bit of a sealed segment flips.</summary>
    RotSegment,

    /// <summary>A sector of an index, verdict, key or snapshot file gets what belongs elsewhere.</summary>
    MisdirectedDerived,

    /// <summary>The same in a sealed segment.</summary>
    MisdirectedSegment,

    /// <summary>The wall clock jumps forward.</summary>
    ClockForward,

    /// <summary>The wall clock jumps back.</summary>
    ClockBack,

    /// <summary>A client leaves before it is answered.</summary>
    ClientGaveUp,

    /// <summary>An event is sent again as it was.</summary>
    EventAgain,

    /// <summary>An event is sent with the id of another one.</summary>
    EventWithUsedId,

    /// <summary>What is sent is no event of the stream.</summary>
    EventBroken,

    /// <summary>The stream is closed.</summary>
    StreamClosed,

    /// <summary>The stream is opened again.</summary>
    StreamOpened,

    /// <summary>The stream's definition changes.</summary>
    StreamRedefined,

    /// <summary>A view is deleted, and made again later.</summary>
    ViewDeleted,
}
