// Written by eng/Weir.CodeGen from Schema/. Change that, and run it.
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Kafka.Protocol;

/// <summary>Numbers of the APIs on the wire.</summary>
public enum ApiKey : short
{
    Produce = 0,
    Fetch = 1,
    ListOffsets = 2,
    Metadata = 3,
    OffsetCommit = 8,
    OffsetFetch = 9,
    FindCoordinator = 10,
    JoinGroup = 11,
    Heartbeat = 12,
    LeaveGroup = 13,
    SyncGroup = 14,
    DescribeGroups = 15,
    ListGroups = 16,
    ApiVersions = 18,
    CreateTopics = 19,
    DeleteTopics = 20,
    InitProducerId = 22,
    DescribeConfigs = 32,
    DescribeLogDirs = 35,
    CreatePartitions = 37,
    DeleteGroups = 42,
    IncrementalAlterConfigs = 44,
    OffsetDelete = 47,
    DescribeCluster = 60,
}

/// <summary>The APIs and versions that this codec can read and write.</summary>
public static class ApiTable
{
    /// <summary>Versions 3 to 11, flexible from 9 on.</summary>
    public static readonly Api Produce = new(ApiKey.Produce, min: 3, max: 11, firstFlexible: 9, ProduceRequest.Read, ProduceResponse.Read);

    /// <summary>Versions 4 to 16, flexible from 12 on.</summary>
    public static readonly Api Fetch = new(ApiKey.Fetch, min: 4, max: 16, firstFlexible: 12, FetchRequest.Read, FetchResponse.Read);

    /// <summary>Versions 1 to 9, flexible from 6 on.</summary>
    public static readonly Api ListOffsets = new(ApiKey.ListOffsets, min: 1, max: 9, firstFlexible: 6, ListOffsetsRequest.Read, ListOffsetsResponse.Read);

    /// <summary>Versions 0 to 13, flexible from 9 on.</summary>
    public static readonly Api Metadata = new(ApiKey.Metadata, min: 0, max: 13, firstFlexible: 9, MetadataRequest.Read, MetadataResponse.Read);

    /// <summary>Versions 2 to 9, flexible from 8 on.</summary>
    public static readonly Api OffsetCommit = new(ApiKey.OffsetCommit, min: 2, max: 9, firstFlexible: 8, OffsetCommitRequest.Read, OffsetCommitResponse.Read);

    /// <summary>Versions 1 to 9, flexible from 6 on.</summary>
    public static readonly Api OffsetFetch = new(ApiKey.OffsetFetch, min: 1, max: 9, firstFlexible: 6, OffsetFetchRequest.Read, OffsetFetchResponse.Read);

    /// <summary>Versions 0 to 6, flexible from 3 on.</summary>
    public static readonly Api FindCoordinator = new(ApiKey.FindCoordinator, min: 0, max: 6, firstFlexible: 3, FindCoordinatorRequest.Read, FindCoordinatorResponse.Read);

    /// <summary>Versions 0 to 9, flexible from 6 on.</summary>
    public static readonly Api JoinGroup = new(ApiKey.JoinGroup, min: 0, max: 9, firstFlexible: 6, JoinGroupRequest.Read, JoinGroupResponse.Read);

    /// <summary>Versions 0 to 4, flexible from 4 on.</summary>
    public static readonly Api Heartbeat = new(ApiKey.Heartbeat, min: 0, max: 4, firstFlexible: 4, HeartbeatRequest.Read, HeartbeatResponse.Read);

    /// <summary>Versions 0 to 5, flexible from 4 on.</summary>
    public static readonly Api LeaveGroup = new(ApiKey.LeaveGroup, min: 0, max: 5, firstFlexible: 4, LeaveGroupRequest.Read, LeaveGroupResponse.Read);

    /// <summary>Versions 0 to 5, flexible from 4 on.</summary>
    public static readonly Api SyncGroup = new(ApiKey.SyncGroup, min: 0, max: 5, firstFlexible: 4, SyncGroupRequest.Read, SyncGroupResponse.Read);

    /// <summary>Versions 0 to 6, flexible from 5 on.</summary>
    public static readonly Api DescribeGroups = new(ApiKey.DescribeGroups, min: 0, max: 6, firstFlexible: 5, DescribeGroupsRequest.Read, DescribeGroupsResponse.Read);

    /// <summary>Versions 0 to 5, flexible from 3 on.</summary>
    public static readonly Api ListGroups = new(ApiKey.ListGroups, min: 0, max: 5, firstFlexible: 3, ListGroupsRequest.Read, ListGroupsResponse.Read);

    /// <summary>Versions 0 to 4, flexible from 3 on.</summary>
    public static readonly Api ApiVersions = new(ApiKey.ApiVersions, min: 0, max: 4, firstFlexible: 3, ApiVersionsRequest.Read, ApiVersionsResponse.Read);

    /// <summary>Versions 2 to 7, flexible from 5 on.</summary>
    public static readonly Api CreateTopics = new(ApiKey.CreateTopics, min: 2, max: 7, firstFlexible: 5, CreateTopicsRequest.Read, CreateTopicsResponse.Read);

    /// <summary>Versions 1 to 6, flexible from 4 on.</summary>
    public static readonly Api DeleteTopics = new(ApiKey.DeleteTopics, min: 1, max: 6, firstFlexible: 4, DeleteTopicsRequest.Read, DeleteTopicsResponse.Read);

    /// <summary>Versions 0 to 4, flexible from 2 on.</summary>
    public static readonly Api InitProducerId = new(ApiKey.InitProducerId, min: 0, max: 4, firstFlexible: 2, InitProducerIdRequest.Read, InitProducerIdResponse.Read);

    /// <summary>Versions 1 to 4, flexible from 4 on.</summary>
    public static readonly Api DescribeConfigs = new(ApiKey.DescribeConfigs, min: 1, max: 4, firstFlexible: 4, DescribeConfigsRequest.Read, DescribeConfigsResponse.Read);

    /// <summary>Versions 1 to 4, flexible from 2 on.</summary>
    public static readonly Api DescribeLogDirs = new(ApiKey.DescribeLogDirs, min: 1, max: 4, firstFlexible: 2, DescribeLogDirsRequest.Read, DescribeLogDirsResponse.Read);

    /// <summary>Versions 0 to 3, flexible from 2 on.</summary>
    public static readonly Api CreatePartitions = new(ApiKey.CreatePartitions, min: 0, max: 3, firstFlexible: 2, CreatePartitionsRequest.Read, CreatePartitionsResponse.Read);

    /// <summary>Versions 0 to 2, flexible from 2 on.</summary>
    public static readonly Api DeleteGroups = new(ApiKey.DeleteGroups, min: 0, max: 2, firstFlexible: 2, DeleteGroupsRequest.Read, DeleteGroupsResponse.Read);

    /// <summary>Versions 0 to 1, flexible from 1 on.</summary>
    public static readonly Api IncrementalAlterConfigs = new(ApiKey.IncrementalAlterConfigs, min: 0, max: 1, firstFlexible: 1, IncrementalAlterConfigsRequest.Read, IncrementalAlterConfigsResponse.Read);

    /// <summary>Versions 0 to 0, none of them flexible.</summary>
    public static readonly Api OffsetDelete = new(ApiKey.OffsetDelete, min: 0, max: 0, firstFlexible: short.MaxValue, OffsetDeleteRequest.Read, OffsetDeleteResponse.Read);

    /// <summary>Versions 0 to 1, flexible from 0 on.</summary>
    public static readonly Api DescribeCluster = new(ApiKey.DescribeCluster, min: 0, max: 1, firstFlexible: 0, DescribeClusterRequest.Read, DescribeClusterResponse.Read);

    /// <summary>Every row, by number.</summary>
    public static IReadOnlyList<Api> All { get; } = [Produce, Fetch, ListOffsets, Metadata, OffsetCommit, OffsetFetch, FindCoordinator, JoinGroup, Heartbeat, LeaveGroup, SyncGroup, DescribeGroups, ListGroups, ApiVersions, CreateTopics, DeleteTopics, InitProducerId, DescribeConfigs, DescribeLogDirs, CreatePartitions, DeleteGroups, IncrementalAlterConfigs, OffsetDelete, DescribeCluster];

    private static FrozenDictionary<short, Api> ByKey { get; } = All.ToFrozenDictionary(api => (short)api.Key);

    /// <summary>Finds the row of an API number as it is on the wire.</summary>
    public static bool TryGet(short key, [NotNullWhen(true)] out Api? api) => ByKey.TryGetValue(key, out api);
}
