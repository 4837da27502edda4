using System.Text.RegularExpressions;
using Weir.Core;

namespace Weir.Core.Tests;

public sealed partial class WeirErrorsTests
{
    /// <summary>Numbers are public: whoever has seen WEIR-1203 in a log finds it again. This list only grows.</summary>
    private const string Frozen = """
        MalformedJson=1201 NotAnObject=1202 KeyMissing=1203 KeyWrongType=1204 IdMissing=1205 IdWrongType=1206 FieldMismatch=1207
        DuplicateField=1208 EventTooLarge=1209 IdTooLong=1210 KeyTooLong=1211 TooDeep=1212 NumberTooLong=1213 InvalidUtf8=1214 HeaderTooLong=1215
        UnreadableBody=1301 BodyTooLarge=1302 UnsupportedMediaType=1303 UnsupportedEncoding=1304 ExpandsTooMuch=1305 InvalidCloudEvent=1306
        InvalidParameter=1307 NothingAppended=1308 EmptyBody=1309
        UnknownStream=1401 UnknownView=1402 UnknownRecount=1403 UnknownRoute=1404 NotFinal=1405 AlreadyFinal=1406 InvalidPosition=1407
        PositionNotReached=1408 ImmutableDefinition=1409 InUse=1410 NoOwnerOrId=1411 MethodNotAllowed=1412
        Taken=1501 NotOpenYet=1502 AfterClose=1503 Duplicate=1504
        SqlSyntax=2001 SqlUnknownName=2002 SqlNotSupportedYet=2003 SqlInvalid=2004 SqlTooLarge=2005 ViewStopped=2006 TooManyGroups=2007
        SumOverflow=2008 ViewBuilding=2009
        UnknownConfigurationKey=3001 ConfigurationType=3002 ConfigurationValue=3003 ClaimIsNotKey=3004 ClosesBeforeOpens=3005
        ConfigurationSyntax=3006 UnsafeListenAddress=3007 RetentionWithKeepLast=3008 RememberWithClaim=3009 ConfigurationFileMissing=3010 PortInUse=3011
        QueueFull=4001 StateFull=4002 DiskFull=4003 ShuttingDown=4004 PartitionStopped=4005 PartitionReadOnly=4006 Recovering=4007
        TooManyRequests=4008 ServerUnreachable=4009 RecountBusy=4010
        DirectoryLocked=5001 FormatTooNew=5002 LogDamaged=5003 FlushFailed=5004 DiskError=5005 NotADataDirectory=5006 RecountMismatch=5007 Internal=5999
        """;

    [Fact]
    public void Numbers_are_frozen() => Assert.All(Whitespace().Split(Frozen), pair =>
    {
        string[] parts = pair.Split('=');
        Assert.Equal(parts[1], ((int)Enum.Parse<ErrorCode>(parts[0])).ToString());
    });

    [Fact]
    public void No_number_is_used_twice() => Assert.Equal(Enum.GetNames<ErrorCode>().Length, Enum.GetValues<ErrorCode>().Distinct().Count());

    [Fact]
    public void Every_code_has_one_row_with_a_sentence_a_remedy_and_a_status()
    {
        Assert.Equal(Enum.GetValues<ErrorCode>().Order(), WeirErrors.All.Select(row => row.Code));
        Assert.All(WeirErrors.All, row =>
        {
            Assert.Equal(row, WeirErrors.Get(row.Code));
            Assert.EndsWith(".", row.Sentence, StringComparison.Ordinal);
            Assert.EndsWith(".", row.Remedy, StringComparison.Ordinal);
            Assert.InRange(row.Status, 200, 599);
        });
    }

    [Fact]
    public void What_a_retry_can_cure_has_a_status_that_clients_retry() => Assert.All(
        WeirErrors.All.Where(row => row.IsRetryable),
        row => Assert.Contains(row.Status, new[] { 429, 500, 503, 504, 507 }));

    [Theory]
    [InlineData("WEIR-1203")]
    [InlineData("weir-1203")]
    [InlineData("1203")]
    public void A_code_is_found_by_its_public_form(string text)
    {
        Assert.True(WeirErrors.TryFind(text, out ErrorInfo? info));
        Assert.Equal(ErrorCode.KeyMissing, info.Code);
        Assert.Equal("WEIR-1203", info.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("WEIR-")]
    [InlineData("WEIR-0")]
    [InlineData("-1203")]
    [InlineData("1203 ")]
    [InlineData("KeyMissing")]
    public void What_is_no_code_is_not_found(string text) => Assert.False(WeirErrors.TryFind(text, out _));

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();
}
