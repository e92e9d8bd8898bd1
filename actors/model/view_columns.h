#pragma once
// The columns of every table a statement can answer with, once: HELP prints them, the views
// fill them, docs/console.md lists them.  Names and order are those of spec/replica.md 8
// (column set S21, the seed's); columns are only ever appended.
#include "actors/model/statement_result.h"
#include <array>

namespace tabletd::model::columns {

// Ids are uint64.  Where the seed prints -1 for "none", so do we: those are int64, and a path
// hash is the signed 64-bit number that the seed prints.  A time that has not come is null.
inline constexpr column unsigned_of(std::string_view name) { return {name, value_type::uint64, ""}; }
inline constexpr column signed_of(std::string_view name) { return {name, value_type::int64, ""}; }
inline constexpr column text_of(std::string_view name) { return {name, value_type::text, ""}; }
inline constexpr column state_of(std::string_view name) { return {name, value_type::text, "state"}; }
inline constexpr column flag_of(std::string_view name) { return {name, value_type::boolean, ""}; }
inline constexpr column time_of(std::string_view name) { return {name, value_type::timestamp, ""}; }
inline constexpr column bytes_of(std::string_view name) { return {name, value_type::uint64, "bytes"}; }
inline constexpr column ratio_of(std::string_view name) { return {name, value_type::float64, "percent"}; }

inline constexpr std::array databases{text_of("Database")};
inline constexpr std::array tables{text_of("Table")};

inline constexpr std::array backends{
  unsigned_of("BackendId"), text_of("Cluster"), text_of("IP"), text_of("HostName"),
  unsigned_of("HeartbeatPort"), unsigned_of("BePort"), unsigned_of("HttpPort"), unsigned_of("BrpcPort"),
  time_of("LastStartTime"), time_of("LastHeartbeat"), flag_of("Alive"), flag_of("SystemDecommissioned"),
  flag_of("ClusterDecommissioned"), unsigned_of("TabletNum"), bytes_of("DataUsedCapacity"),
  bytes_of("AvailCapacity"), bytes_of("TotalCapacity"), ratio_of("UsedPct"), ratio_of("MaxDiskUsedPct"),
  text_of("ErrMsg"), text_of("Version"), text_of("Status"), text_of("Location")};

inline constexpr std::array backend_paths{
  text_of("RootPath"), bytes_of("DataUsedCapacity"), bytes_of("OtherUsedCapacity"),
  bytes_of("AvailCapacity"), bytes_of("TotalCapacity"), ratio_of("TotalUsedPct"), state_of("State"),
  signed_of("PathHash"), text_of("StorageMedium")};

inline constexpr std::array frontends{
  text_of("Name"), text_of("Host"), unsigned_of("RpcPort"), unsigned_of("HttpPort"), state_of("Role"),
  flag_of("IsMaster"), text_of("ClusterId"), flag_of("Alive"), unsigned_of("ReplayedJournalId"),
  time_of("LastHeartbeat"), text_of("ErrMsg"), text_of("Version"), text_of("EditLogAddress")};

inline constexpr std::array tablet_location{
  text_of("DbName"), text_of("TableName"), text_of("PartitionName"), text_of("IndexName"),
  unsigned_of("DbId"), unsigned_of("TableId"), unsigned_of("PartitionId"), unsigned_of("IndexId"),
  flag_of("IsSync"), text_of("DetailCmd")};

inline constexpr std::array table_replicas{
  unsigned_of("TabletId"), unsigned_of("ReplicaId"), unsigned_of("BackendId"), signed_of("SchemaHash"),
  signed_of("Version"), unsigned_of("VersionHash"), signed_of("LstSuccessVersion"),
  unsigned_of("LstSuccessVersionHash"), signed_of("LstFailedVersion"), unsigned_of("LstFailedVersionHash"),
  time_of("LstFailedTime"), bytes_of("DataSize"), unsigned_of("RowCount"), state_of("State"),
  time_of("LstConsistencyCheckTime"), signed_of("CheckVersion"), signed_of("CheckVersionHash"),
  signed_of("VersionCount"), signed_of("PathHash"), text_of("MetaUrl"), text_of("CompactionStatus")};

inline constexpr std::array tablet_replicas{
  unsigned_of("ReplicaId"), unsigned_of("BackendId"), signed_of("Version"), unsigned_of("VersionHash"),
  signed_of("LstSuccessVersion"), unsigned_of("LstSuccessVersionHash"), signed_of("LstFailedVersion"),
  unsigned_of("LstFailedVersionHash"), time_of("LstFailedTime"), signed_of("SchemaHash"),
  bytes_of("DataSize"), unsigned_of("RowCount"), state_of("State"), flag_of("IsBad"),
  signed_of("VersionCount"), signed_of("PathHash"), text_of("MetaUrl"), text_of("CompactionStatus")};

inline constexpr std::array scheduled_tablets{
  unsigned_of("TabletId"), text_of("Type"), text_of("Medium"), state_of("Status"), state_of("State"),
  text_of("OrigPrio"), text_of("DynmPrio"), signed_of("SrcBe"), signed_of("SrcPath"), signed_of("DestBe"),
  signed_of("DestPath"), column{"Timeout", value_type::uint64, "duration"}, time_of("Create"),
  time_of("LstSched"), time_of("LstVisit"), time_of("Finished"), column{"Rate", value_type::float64, "bytes"},
  unsigned_of("FailedSched"), unsigned_of("FailedRunning"), time_of("LstAdjPrio"), unsigned_of("VisibleVer"),
  unsigned_of("VisibleVerHash"), unsigned_of("CmtVer"), unsigned_of("CmtVerHash"), text_of("ErrMsg")};

inline constexpr std::array working_slots{
  unsigned_of("BeId"), signed_of("PathHash"), unsigned_of("AvailSlots"), unsigned_of("TotalSlots"),
  unsigned_of("BalanceSlot"), column{"AvgRate", value_type::float64, "bytes"}};

inline constexpr std::array statistic{
  text_of("DbId"), text_of("DbName"), unsigned_of("TableNum"), unsigned_of("PartitionNum"),
  unsigned_of("IndexNum"), unsigned_of("TabletNum"), unsigned_of("ReplicaNum"),
  unsigned_of("UnhealthyTabletNum"), unsigned_of("InconsistentTabletNum"), unsigned_of("CloningTabletNum")};

inline constexpr std::array database_statistic{
  text_of("UnhealthyTablets"), text_of("InconsistentTablets"), text_of("CloningTablets")};

inline constexpr std::array balance_items{text_of("Item"), unsigned_of("Number")};
inline constexpr std::array item_values{text_of("Item"), text_of("Value")};
inline constexpr std::array proc_names{text_of("Name")};

inline constexpr std::array proc_databases{unsigned_of("DbId"), text_of("DbName"), unsigned_of("TableNum")};
inline constexpr std::array proc_tables{
  unsigned_of("TableId"), text_of("TableName"), unsigned_of("IndexNum"), unsigned_of("PartitionNum"),
  state_of("State"), unsigned_of("KeyColumn"), text_of("ColumnSeparator"), unsigned_of("Buckets"),
  unsigned_of("ReplicationNum"), unsigned_of("ReplicaCount"), time_of("CreateTime"), text_of("StoragePolicy")};
inline constexpr std::array proc_nodes{text_of("Nodes")};
inline constexpr std::array proc_partitions{
  unsigned_of("PartitionId"), text_of("PartitionName"), unsigned_of("VisibleVersion"),
  unsigned_of("VisibleVersionHash"), state_of("State"), unsigned_of("Buckets"),
  unsigned_of("ReplicationNum"), bytes_of("DataSize"), unsigned_of("RowCount"), text_of("StoragePolicy")};
inline constexpr std::array proc_indexes{unsigned_of("IndexId"), text_of("IndexName"), state_of("State")};

inline constexpr std::array actors{
  text_of("Supervisor"), text_of("Actor"), text_of("Type"), state_of("State"), unsigned_of("Restarts"),
  time_of("Since"), text_of("LastError")};

inline constexpr std::array priority_repair{
  unsigned_of("Database"), unsigned_of("Table"), unsigned_of("Partition"),
  column{"RemainingTimeMs", value_type::uint64, "duration"}};
inline constexpr std::array balance_pauses{
  text_of("Scope"), text_of("Owner"), text_of("Reason"), time_of("Since"), time_of("Until")};
inline constexpr std::array load_media{text_of("StorageMedium")};
inline constexpr std::array load_statistic{
  unsigned_of("BeId"), text_of("Cluster"), flag_of("Available"), bytes_of("UsedCapacity"), bytes_of("Capacity"),
  ratio_of("UsedPercent"), unsigned_of("ReplicaNum"), column{"CapCoeff", value_type::float64, ""},
  column{"ReplCoeff", value_type::float64, ""}, column{"Score", value_type::float64, ""}, state_of("Class")};
inline constexpr std::array colocation_groups{
    unsigned_of("GroupId"),        text_of("GroupName"), text_of("TableIds"), unsigned_of("BucketsNum"),
    unsigned_of("ReplicationNum"), text_of("DistCols"),  flag_of("IsStable"), text_of("ErrorMsg")};
inline constexpr std::array colocation_group{unsigned_of("BucketIndex"), text_of("BackendIds")};

// Rows about the tablet as a whole have no backend: null.
inline constexpr std::array explanation{
  unsigned_of("BackendId"), text_of("Host"), signed_of("Path"), text_of("Role"), state_of("Code"), text_of("Reason"),
  ratio_of("UsedRatio"), bytes_of("LeftBytes")};
// TOTAL comes first, then MOVE by MOVE, then what is STUCK.
inline constexpr std::array plan{
  state_of("Kind"), unsigned_of("TabletId"), signed_of("SrcBe"), signed_of("SrcPath"), signed_of("DestBe"),
  signed_of("DestPath"), bytes_of("Bytes"), text_of("Reason")};
inline constexpr std::array resources{text_of("Name"), unsigned_of("Id"), state_of("Type"), text_of("Properties")};
inline constexpr std::array storage_policies{
  text_of("PolicyName"), unsigned_of("Id"), unsigned_of("Version"), state_of("Type"), text_of("StorageResource"),
  time_of("CooldownDatetime"), signed_of("CooldownTtl"), text_of("Properties")};
inline constexpr std::array cooldown{
  unsigned_of("TabletId"), text_of("Database"), text_of("Table"), signed_of("Uploader"), unsigned_of("Term"),
  state_of("Phase"), signed_of("PublishedVersion"), signed_of("VisibleVersion"), unsigned_of("Lag"), bytes_of("RemoteBytes"),
  text_of("Why")};
inline constexpr std::array policy_users{text_of("Policy"), text_of("Database"), text_of("Table"), text_of("Partitions")};

inline constexpr std::array warm_up_job{unsigned_of("JobId")};
// DRY RUN: backend by backend, then the total.
inline constexpr std::array warm_up_plan{
  signed_of("BackendId"), text_of("Host"), unsigned_of("Tablets"), bytes_of("Bytes"), bytes_of("CacheBytes"),
  bytes_of("ExcessBytes"), text_of("Verdict")};
inline constexpr std::array warm_up_jobs{
  unsigned_of("JobId"), text_of("Src"), text_of("Dst"), state_of("Status"), text_of("Type"), text_of("SyncMode"),
  time_of("CreateTime"), time_of("StartTime"), unsigned_of("FinishBatch"), unsigned_of("AllBatch"), time_of("FinishTime"),
  text_of("Progress"), ratio_of("Percent"), column{"Rate", value_type::float64, "bytes"}, column{"ETA", value_type::uint64, "duration"}, unsigned_of("FailedTablets"),
  text_of("ErrMsg"), text_of("Tables")};
inline constexpr std::array warm_up_lanes{
  unsigned_of("BackendId"), text_of("Host"), state_of("Status"), unsigned_of("FinishBatch"), unsigned_of("AllBatch"),
  bytes_of("FinishedBytes"), bytes_of("TotalBytes"), bytes_of("LiveBytes"), unsigned_of("FailedTablets"),
  unsigned_of("Restarts"), text_of("WaitsFor"), text_of("Err")};
// Backend by backend, then the total.
inline constexpr std::array warm_up_shares{
  signed_of("BackendId"), text_of("Host"), unsigned_of("Tablets"), bytes_of("Bytes"), bytes_of("Warm"),
  bytes_of("Damaged"), bytes_of("Missing"), ratio_of("Share"), text_of("Err")};

inline constexpr std::array saved_plans{
  text_of("Name"), state_of("Kind"), signed_of("BackendId"), time_of("Created"), unsigned_of("Epoch"),
  unsigned_of("Moves"), bytes_of("Bytes"), unsigned_of("Done"), unsigned_of("Skipped"), state_of("State"),
  text_of("Message")};
inline constexpr std::array saved_plan{
  unsigned_of("Move"), unsigned_of("TabletId"), unsigned_of("ReplicaId"), signed_of("SrcBe"), signed_of("SrcPath"),
  signed_of("DestBe"), signed_of("DestPath"), bytes_of("Bytes"), state_of("State"), text_of("Reason")};
inline constexpr std::array diagnosis{text_of("Item"), text_of("Info"), text_of("Suggestion")};
inline constexpr std::array repair_history{
    unsigned_of("Entry"), unsigned_of("TabletId"), text_of("Type"),        text_of("Purpose"),
    state_of("Status"),   text_of("Priority"),     signed_of("ReplicaId"), signed_of("SrcBe"),
    signed_of("SrcPath"), signed_of("DestBe"),     signed_of("DestPath"),  time_of("Ordered"),
    time_of("Ended"),     state_of("Result"),      text_of("Reason"),      text_of("Message")};
inline constexpr std::array replica_status{unsigned_of("TabletId"),
                                           signed_of("ReplicaId"),
                                           signed_of("BackendId"),
                                           signed_of("Version"),
                                           signed_of("LastFailedVersion"),
                                           signed_of("LastSuccessVersion"),
                                           unsigned_of("CommittedVersion"),
                                           signed_of("SchemaHash"),
                                           signed_of("VersionNum"),
                                           flag_of("IsBad"),
                                           state_of("State"),
                                           state_of("Status")};
inline constexpr std::array replica_distribution{
  unsigned_of("BackendId"), unsigned_of("ReplicaNum"), text_of("Graph"), text_of("Percent")};
inline constexpr std::array config{
  text_of("Key"), text_of("AliasNames"), text_of("Value"), text_of("Type"), flag_of("IsMutable"), text_of("Comment")};

inline constexpr std::array help{text_of("Topic"), text_of("Text")};

} // namespace tabletd::model::columns
