namespace Weir.CrashTests.CrashStates;

/// <summary>Recordings made by hand, whose states are known.</summary>
public sealed class StateBuilderTests
{
    private static readonly string[] Directory =
    [
        """1  mkdir("/r/d", 0777)               = 0""",
        """1  openat(AT_FDCWD</>, "/r", O_RDONLY|O_CLOEXEC) = 3</r>""",
        """1  fsync(3</r>)                     = 0""",
        """1  openat(AT_FDCWD</>, "/r/d", O_RDONLY|O_CLOEXEC) = 4</r/d>""",
    ];

    private static readonly string[] File =
    [
        .. Directory,
        """1  openat(AT_FDCWD</>, "/r/d/f", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0644) = 5</r/d/f>""",
        """1  fsync(4</r/d>)                   = 0""",
    ];

    [Fact]
    public void A_file_made_under_another_name_has_seven_states_until_its_directory_is_flushed()
    {
        Recording recording = HandMade.Recording(
        [
            .. Directory,
            """1  openat(AT_FDCWD</>, "/r/d/a.tmp", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0644) = 5</r/d/a.tmp>""",
            """1  pwrite64(5</r/d/a.tmp>, @600*A, 600, 0) = 600""",
            """1  fdatasync(5</r/d/a.tmp>)         = 0""",
            """1  rename("/r/d/a.tmp", "/r/d/a")   = 0""",
            """1  fsync(4</r/d>)                   = 0""",
        ]);

        var states = new StateSpace(recording, seed: 3).Exhaustive().Select(state => (state.Horizon, Shown: HandMade.Show(StateBuilder.Build(recording, state)))).ToLookup(state => state.Shown, state => state.Horizon);

        // Written as prefix with the old or the new length: which of the two is drawn.
        string torn = Assert.Single(states.Select(state => state.Key), shown => shown.StartsWith("d/ d/a.tmp=A*512", StringComparison.Ordinal));
        Assert.Contains(torn, (string[])["d/ d/a.tmp=A*512", "d/ d/a.tmp=A*512,0*88"]);
        Assert.Equal(
            ["", "d/", "d/ d/a.tmp=", "d/ d/a.tmp=0*600", torn, "d/ d/a.tmp=A*600", "d/ d/a=A*600"],
            states.Select(state => state.Key).Order(StringComparer.Ordinal));

        // Until when: the directory's first flush, the file's, the directory's second, and for good.
        Assert.Equal([2, 8, 6, 6, 6, 8, 9], states.OrderBy(state => state.Key, StringComparer.Ordinal).Select(state => state.Max()));
    }

    [Theory]
    [InlineData("kept", "kept", "A*700,B*600,C*500")]
    [InlineData("lost", "lost", "A*700")]
    [InlineData("kept", "lost", "A*700,B*600")]

    // The sector that both wrote to arrives with what both wrote, or not at all.
    [InlineData("lost", "kept", "A*700,0*324,B*276,C*500")]
    [InlineData("grown", "lost", "A*700,0*600")]
    [InlineData("grown", "grown", "A*700,0*1100")]
    [InlineData("first 1", "lost", "A*700,B*324")]
    [InlineData("first 1, whole", "lost", "A*700,B*324,0*276")]
    [InlineData("without 1", "lost", "A*700,0*324,B*276")]
    [InlineData("lost", "without 1", "A*700,0*836,C*264")]
    public void Each_sector_is_as_it_was_after_one_of_the_writes(string second, string third, string expected)
    {
        Recording recording = HandMade.Recording(
        [
            .. File,
            """1  pwrite64(5</r/d/f>, @700*A, 700, 0) = 700""",
            """1  fdatasync(5</r/d/f>)             = 0""",
            """1  pwrite64(5</r/d/f>, @600*B, 600, 700) = 600""",
            """1  pwrite64(5</r/d/f>, @500*C, 500, 1300) = 500""",
        ]);

        Assert.Equal($"d/ d/f={expected}", Build(recording, Fates(second, third)));
    }

    [Theory]
    [InlineData("kept", "kept", "A*600,B*500")]
    [InlineData("lost", "lost", "A*1000")]
    [InlineData("kept", "lost", "A*600")]

    // A length that arrives is that after everything before it.
    [InlineData("lost", "kept", "A*600,B*500")]
    [InlineData("lost", "grown", "A*600,0*500")]
    public void A_truncation_has_happened_when_a_later_length_arrives(string truncation, string write, string expected)
    {
        Recording recording = HandMade.Recording(
        [
            .. File,
            """1  pwrite64(5</r/d/f>, @1000*A, 1000, 0) = 1000""",
            """1  fdatasync(5</r/d/f>)             = 0""",
            """1  ftruncate(5</r/d/f>, 600)        = 0""",
            """1  pwrite64(5</r/d/f>, @500*B, 500, 600) = 500""",
        ]);

        Assert.Equal($"d/ d/f={expected}", Build(recording, Fates(truncation, write)));
    }

    [Fact]
    public void A_write_before_a_lost_truncation_is_in_the_longer_file()
    {
        Recording recording = HandMade.Recording(
        [
            .. File,
            """1  pwrite64(5</r/d/f>, @1000*A, 1000, 0) = 1000""",
            """1  fdatasync(5</r/d/f>)             = 0""",
            """1  ftruncate(5</r/d/f>, 600)        = 0""",
            """1  pwrite64(5</r/d/f>, @100*B, 100, 0) = 100""",
        ]);

        Assert.Equal("d/ d/f=B*100,A*900", Build(recording, Fates("lost", "kept")));
    }

    [Fact]
    public void Where_a_file_has_grown_and_nothing_arrived_there_may_be_what_another_file_held()
    {
        Recording recording = HandMade.Recording(
        [
            .. File,
            """1  pwrite64(5</r/d/f>, @700*A, 700, 0) = 700""",
            """1  fdatasync(5</r/d/f>)             = 0""",
            """1  pwrite64(5</r/d/f>, @600*B, 600, 700) = 600""",
        ]);

        // The only bytes that any file held: 700 of A and 600 of B. What was behind the end in a sector that had arrived was zero.
        Assert.Equal("d/ d/f=A*700,0*324,B*276", Build(recording, Fates("grown"), stale: 1));
    }

    [Theory]
    [InlineData("kept", "kept", "kept", "d/ d/a=B*3")]
    [InlineData("lost", "kept", "kept", "d/ d/a=B*3")]
    [InlineData("kept", "lost", "kept", "d/ d/b=B*3")]
    [InlineData("kept", "lost", "lost", "d/ d/a=A*3 d/b=B*3")]
    [InlineData("lost", "lost", "lost", "d/ d/a=A*3")]
    [InlineData("lost", "lost", "kept", "d/")]
    public void Each_name_arrives_for_itself(string make, string rename, string removal, string expected)
    {
        // The removal takes the first file's name away, before the second one gets it.
        Recording recording = HandMade.Recording(
        [
            .. Directory,
            """1  openat(AT_FDCWD</>, "/r/d/a", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0644) = 5</r/d/a>""",
            """1  pwrite64(5</r/d/a>, "AAA", 3, 0) = 3""",
            """1  fdatasync(5</r/d/a>)             = 0""",
            """1  fsync(4</r/d>)                   = 0""",
            """1  openat(AT_FDCWD</>, "/r/d/b", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0644) = 6</r/d/b>""",
            """1  pwrite64(6</r/d/b>, "BBB", 3, 0) = 3""",
            """1  fdatasync(6</r/d/b>)             = 0""",
            """1  unlink("/r/d/a")                 = 0""",
            """1  rename("/r/d/b", "/r/d/a")       = 0""",
        ]);

        Assert.Equal(expected, Build(recording, Fates(make, removal, rename)));
    }

    [Fact]
    public void What_lay_in_a_directory_that_was_removed_is_not_in_the_next_one_of_that_name()
    {
        Recording recording = HandMade.Recording(
        [
            .. Directory,
            """1  mkdir("/r/d/e", 0777)            = 0""",
            """1  openat(AT_FDCWD</>, "/r/d/e/f", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0644) = 5</r/d/e/f>""",
            """1  fsync(4</r/d>)                   = 0""",
            """1  unlink("/r/d/e/f")               = 0""",
            """1  rmdir("/r/d/e")                  = 0""",
            """1  mkdir("/r/d/e", 0777)            = 0""",
        ]);

        // f's making and removal, and both calls on the directory.
        Assert.Equal("d/ d/e/", Build(recording, Fates("kept", "lost", "kept", "kept")));
        Assert.Equal("d/ d/e/ d/e/f=", Build(recording, Fates("kept", "lost", "lost", "lost")));
        Assert.Equal("d/", Build(recording, Fates("kept", "lost", "kept", "lost")));
    }

    [Fact]
    public void A_flush_covers_what_had_ended_when_it_began_and_counts_when_it_has_ended()
    {
        Recording recording = HandMade.Recording(
        [
            .. File,
            """1  pwrite64(5</r/d/f>, "AAA", 3, 0) = 3""",
            """2  pwrite64(5</r/d/f>, "BBB", 3, 3 <unfinished ...>""",
            """1  fdatasync(5</r/d/f> <unfinished ...>""",
            """2  <... pwrite64 resumed>)          = 3""",
            """1  <... fdatasync resumed>)         = 0""",
        ]);

        int[] writes = [.. recording.Calls.Index().Where(call => call.Item.Kind == FileCallKind.Write).Select(call => call.Index)];
        Assert.False(recording.IsDurable(writes[0], 10));
        Assert.True(recording.IsDurable(writes[0], 11));
        Assert.False(recording.IsDurable(writes[1], 11));
        Assert.Equal(10, recording.Horizon(7));
        Assert.Equal(11, recording.Horizon(11));
        Assert.Equal("d/ d/f=A*3", HandMade.Show(StateBuilder.Build(recording, new CrashState { Horizon = 11, Until = 11, Otherwise = Fate.Lost, Fates = new Dictionary<int, Fate>() })));
    }

    [Fact]
    public void A_kill_keeps_what_power_loss_can_still_undo()
    {
        Recording recording = HandMade.Recording(
        [
            .. File,
            """1  pwrite64(5</r/d/f>, "AAA", 3, 0) = 3""",
            """1  fdatasync(5</r/d/f>)             = 0""",
            """1  rename("/r/d/f", "/r/d/g")       = 0""",
            """1  pwrite64(5</r/d/g>, "BBB", 3, 3) = 3""",
        ]).KilledAt(9);

        Assert.Equal("d/ d/g=A*3", HandMade.Show(StateBuilder.InMemory(recording)));
        Assert.Equal("d/ d/f=A*3", Build(recording, Fates("lost")));
    }

    [Theory]
    [InlineData("""1  link("/r/d/f", "/r/d/g") = 0""")]
    [InlineData("""1  write(5</r/d/f>, "A", 1) = 1""")]
    [InlineData("""1  renameat2(AT_FDCWD</>, "/r/d/f", AT_FDCWD</>, "/r/d/g", RENAME_NOREPLACE) = 0""")]
    [InlineData("""1  pwrite64(9</r/d/f>, "A", 1, 0) = 1""")]
    [InlineData("""1  pwrite64(5</r/d/f>, "A"..., 100, 0) = 100""")]
    public void A_call_that_the_model_lacks_is_an_error(string line) => Assert.Throws<InvalidDataException>(() => HandMade.Recording([.. File, line]));

    [Fact]
    public void Texts_are_read_as_strace_writes_them()
    {
        Recording recording = HandMade.Recording(
        [
            .. File,
            """1  pwrite64(5</r/d/f>, "{\n\t\"a\": \"\\\"}", 12, 0) = 12""",
            """1  pwrite64(5</r/d/f>, "\x00\xff\x22\x5c", 4, 12 <unfinished ...>""",
            """2  openat(AT_FDCWD</>, "/r/d/missing", O_RDONLY) = -1 ENOENT (No such file or directory)""",
            """1  <... pwrite64 resumed>)          = 4""",
        ]);

        Assert.Equal([.. "{\n\t\"a\": \"\\\"}"u8, 0x00, 0xFF, 0x22, 0x5C], StateBuilder.InMemory(recording).Files["d/f"]);
    }

    private static string Build(Recording recording, IEnumerable<Fate> fates, int? stale = null)
    {
        int[] open = [.. recording.Calls.Index().Where(call => call.Item.IsChange && !recording.IsDurable(call.Index, recording.End)).Select(call => call.Index)];
        Dictionary<int, Fate> byCall = open.Zip(fates, KeyValuePair.Create).ToDictionary();
        Assert.Equal(open.Length, byCall.Count);
        return HandMade.Show(StateBuilder.Build(recording, new CrashState { Horizon = recording.End, Until = recording.End, Otherwise = Fate.Lost, Fates = byCall, Stale = stale }));
    }

    private static IEnumerable<Fate> Fates(params string[] names) => names.Select(name => name switch
    {
        "kept" => Fate.Kept,
        "lost" => Fate.Lost,
        "grown" => new Fate(FateKind.Grown),
        "first 1" => new Fate(FateKind.Prefix, 512, 1),
        "first 1, whole" => new Fate(FateKind.Prefix, 512, 1, IsWholeLength: true),
        _ => new Fate(FateKind.Suffix, 512, 1),
    });
}
