using System.Globalization;

namespace Weir.BrowserTests;

/// <summary>Snapshot frames that several tests show.</summary>
internal static class Frames
{
    /// <summary>Three windows over two groups, in no order.</summary>
    public const string Windows = """
        {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["window_start","window_end","status","hits"],"key":["window_start","status"],"order":"","rows":[
        {"window_start":"2015-05-17T10:05:00Z","window_end":"2015-05-17T10:06:00Z","status":200,"hits":131},
        {"window_start":"2015-05-17T10:07:00Z","window_end":"2015-05-17T10:08:00Z","status":200,"hits":17},
        {"window_start":"2015-05-17T10:05:00Z","window_end":"2015-05-17T10:06:00Z","status":404,"hits":2}]}
        """;

    /// <summary>All colours and all notes at once.</summary>
    public const string Troubled = """
        {"view":"results","position":"votes:0=371204,1=369800,2=370118,3=370001,4=369990,5=370420","final":false,"errors":3,
        "stopped":"a sum is beyond what 128 bits hold","columns":["choice","votes"],"key":["choice"],"order":"","rows":[
        {"choice":"Harbour lights","votes":204118},{"choice":"Northern line","votes":190442},{"choice":"Paper boats","votes":177003},
        {"choice":"The long way round to somewhere quiet","votes":160120},{"choice":"Zigzag","votes":151733},{"choice":"Salt and iron","votes":140001},
        {"choice":"Õhtu","votes":121918},{"choice":"Mont Blanc","votes":101220},{"choice":"Lanterns","votes":88210},{"choice":"東京の夜","votes":61002},
        {"choice":"Undertow","votes":30114},{"choice":"Kite","votes":9120}]}
        """;

    /// <summary>One view that is well, one that is being built, one that stopped.</summary>
    public const string ViewList = """
        {"views":[
        {"name":"results","stream":"votes","sql":"SELECT choice, count(*) AS votes FROM votes GROUP BY choice","state":"live","progress":1,"rows":12,"position":"votes:0=371204,1=369800,2=370118,3=370001","age_ms":140,"final":false,"errors":3},
        {"name":"per_minute","stream":"votes","sql":"SELECT count(*) AS votes FROM votes GROUP BY tumble(1m)","state":"building","progress":0.43,"rows":0,"position":"votes:0=0","age_ms":0,"final":false,"errors":0},
        {"name":"raised","stream":"donations","sql":"SELECT charity, sum(amount) AS raised FROM donations GROUP BY charity","state":"stopped","stopped":"a sum is beyond what 128 bits hold","progress":1,"rows":4,"position":"donations:0=88","age_ms":0,"final":true,"errors":0}]}
        """;

    /// <summary>A stream that is open and one that is final, with one partition that is read-only.</summary>
    public const string StreamList = """
        {"streams":[
        {"name":"votes","phase":"open","reopened":false,"delivery":"exactly-once","definition":{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}},
        "totals":{"counted":1441204,"replaced":0,"duplicate":14402,"taken":14390,"closed":0,"late":0,"invalid":0,"refused":1440},
        "partitions":[{"partition":0,"state":"serving","log_start":0,"log_end":741004,"log_bytes":118201344,"queued_bytes":65536,"owners":720602,"hot_key":null},
        {"partition":1,"state":"serving","log_start":0,"log_end":729994,"log_bytes":116201010,"queued_bytes":0,"owners":720602,"hot_key":null}]},
        {"name":"donations","phase":"final","reopened":true,"delivery":"at-least-once","definition":{"partitions":1,"key":[]},
        "totals":{"counted":87,"replaced":0,"duplicate":0,"taken":0,"closed":4,"late":0,"invalid":0,"refused":0},
        "partitions":[{"partition":0,"state":"read-only","reason":"damage at offsets 12 to 14 in 00000000000000000000.log","log_start":0,"log_end":92,"log_bytes":18201,"queued_bytes":0,"owners":0,"hot_key":null}]}]}
        """;

    public const string HealthyViews = """
        {"views":[{"name":"results","stream":"votes","sql":"SELECT choice, count(*) AS votes FROM votes GROUP BY choice","state":"live","progress":1,"rows":12,"position":"votes:0=1000","age_ms":180,"final":false,"errors":0}]}
        """;

    public static string HealthyStreams(long logEnd) => string.Create(CultureInfo.InvariantCulture, $$$"""
        {"streams":[{"name":"votes","phase":"open","reopened":false,"delivery":"exactly-once","definition":{"partitions":1,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}},
        "totals":{"counted":990,"replaced":0,"duplicate":10,"taken":0,"closed":0,"late":0,"invalid":0,"refused":0},
        "partitions":[{"partition":0,"state":"serving","log_start":0,"log_end":{{{logEnd}}},"log_bytes":2048,"queued_bytes":0,"owners":990,"hot_key":null}]}]}
        """);

    /// <summary>A vote between four, with these counts.</summary>
    public static string Votes(long first, long second, long third, long fourth) => string.Create(CultureInfo.InvariantCulture, $$"""
        {"view":"results","position":"votes:0=120,1=84","final":false,"errors":0,"columns":["choice","votes"],"key":["choice"],"order":"","rows":[
        {"choice":"Harbour lights","votes":{{first}}},{"choice":"Northern line","votes":{{second}}},{"choice":"Paper boats","votes":{{third}}},{"choice":"Zigzag","votes":{{fourth}}}]}
        """);

    /// <summary>As many groups as asked for, with 1, 2, 3, … votes.</summary>
    public static string Many(int groups) => $$"""
        {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["choice","votes"],"key":["choice"],"order":"","rows":[
        {{string.Join(",", Enumerable.Range(1, groups).Select(rank => $$"""{"choice":"Option {{rank}}","votes":{{rank}}}"""))}}]}
        """;
}
