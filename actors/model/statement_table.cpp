#include "actors/model/statement_table.h"
#include "actors/model/nearest.h"
#include "actors/model/statement_grammar.h"
#include "actors/model/statement_lexer.h"
#include "actors/model/view_columns.h"
#include <array>

namespace tabletd::model {

namespace {

constexpr bool reads = false;
constexpr bool writes = true;
constexpr bool dangerous = true;

constexpr std::array<statement_row, std::variant_size_v<statement>> rows{{
  {"create_database", "CREATE DATABASE [IF NOT EXISTS] <database>", "Creates an empty database.",
   "A name has 1 to 64 of A-Z a-z 0-9 _ - and begins with a letter or _. Write it in `backquotes` if it is "
   "a keyword or has a - in it.",
   "CREATE DATABASE IF NOT EXISTS shop", {}, writes},
  {"drop_database", "DROP DATABASE [IF EXISTS] <database>", "Drops a database that has no tables.",
   "A database with tables is refused: drop its tables first.", "DROP DATABASE IF EXISTS shop", {}, writes,
   dangerous},
  {"create_table",
   "CREATE TABLE [IF NOT EXISTS] <table> ( KEY <column> ) [PARTITION ( <partition>, ... )] BUCKETS <buckets> "
   "[PROPERTIES ( <property>, ... )]",
   "Creates a table and a replica of every tablet on as many backends as wanted.",
   "Rows are lines of bytes. KEY is the 1-based number of the column whose bytes decide a row's tablet; BUCKETS is "
   "the number of tablets of each partition (1 to 16384), for ever. Without PARTITION there is one partition, named "
   "like the table. Properties: \"replication_num\" (1 to 32, default 3), \"column_separator\" (one byte, default a "
   "tab; \"\\t\" and \"\\x01\" are understood), \"storage_medium\" (\"HDD\" or \"SSD\": replicas go to such disks, "
   "and to others only if too few backends have one with room), \"cluster\" (only backends of that cluster hold "
   "replicas), \"colocate_with\" (a group of tables of this database whose buckets lie on the same backends; all "
   "have equal buckets and replication_num), \"storage_policy\" (what of it cools, when and where to: CREATE STORAGE "
   "POLICY). The statement returns when every backend has created its replicas, or "
   "after ten seconds with a warning that names those that have not: they are created later.",
   R"(CREATE TABLE shop.orders (KEY 1) PARTITION (y2024, y2025) BUCKETS 8 PROPERTIES("replication_num"="3", "column_separator"=";"))",
   {}, writes},
  {"drop_table", "DROP TABLE [IF EXISTS] <table>", "Drops a table and every replica of its tablets.",
   "The rows are gone for good; backends delete the files when they next report.",
   "DROP TABLE IF EXISTS shop.orders", {}, writes, dangerous},
  {"add_partition", "ALTER TABLE <table> ADD PARTITION <partition> [PROPERTIES ( <partition property>, ... )]",
   "Adds an empty partition with as many buckets as the table's others.",
   "\"storage_medium\" (\"HDD\" or \"SSD\") is where its replicas belong; without it they may lie on any disk. "
   "\"storage_policy\" is one of its own; without it the table's holds. Returns as CREATE TABLE does.",
   R"(ALTER TABLE shop.orders ADD PARTITION y2026 PROPERTIES("storage_medium"="SSD"))", {}, writes},
  {"drop_partition", "ALTER TABLE <table> DROP PARTITION <partition>", "Drops a partition and its rows.",
   "The rows are gone for good. A table keeps at least one partition: DROP TABLE drops it all.",
   "ALTER TABLE shop.orders DROP PARTITION y2024", {}, writes, dangerous},
  {"modify_partition", "ALTER TABLE <table> MODIFY PARTITION <partition> SET ( <partition property>, ... )",
   "Changes where the replicas of a partition belong, or what of it cools.",
   "\"storage_medium\": \"SSD\", \"HDD\" or \"ANY\". Replicas that are made or moved from now on prefer such disks, and balance moves "
   "those that exist to one of their own backend; where a backend has none they stay, and PLAN REBALANCE says so. \"storage_policy\": one of its own, or "
   "\"\": the table's. What is not named stays.",
   R"(ALTER TABLE shop.orders MODIFY PARTITION y2024 SET ("storage_medium"="HDD"))", {}, writes},
  {"set_table_policy", "ALTER TABLE <table> SET ( <table setting>, ... )",
   "Puts a table under a storage policy, or under none.",
   "\"storage_policy\": a name, or \"\": none. It holds for every partition that has none of its own. What has "
   "cooled already stays where it is.",
   R"(ALTER TABLE shop.orders SET ("storage_policy"="after_a_month"))", {}, writes},
  {"use_database", "USE <database>", "Sets the database that table names without one belong to.",
   "Holds for this session.", "USE shop", {}, reads},
  {"add_backends", "ALTER SYSTEM ADD BACKEND <address>, ... [PROPERTIES ( <backend property>, ... )]",
   "Adds storage backends to the cluster.",
   "An address is \"host:port\" of the backend's RPC port. A backend counts as alive once the leader has reached "
   "it; see SHOW BACKENDS. \"cluster\" is the compute cluster it belongs to (default default_cluster), \"location\" "
   "says where it stands (\"rack:a\"): replicas are kept on different locations where that is possible.",
   R"(ALTER SYSTEM ADD BACKEND "10.0.0.1:9060", "10.0.0.2:9060" PROPERTIES("cluster"="blue", "location"="rack:a"))", {},
   writes},
  {"drop_backend", "ALTER SYSTEM DROP BACKEND <address>", "Removes a backend that holds no replicas.",
   "Refused while the catalog keeps a replica there: ALTER SYSTEM DECOMMISSION BACKEND moves them away first.",
   R"(ALTER SYSTEM DROP BACKEND "10.0.0.1:9060")", {}, writes, dangerous},
  {"modify_backend", "ALTER SYSTEM MODIFY BACKEND <address> SET ( <backend property>, ... )",
   "Gives a backend another cluster or location.",
   "What is not named stays; \"location\"=\"\" forgets it. Replicas of tables that belong to another cluster than the "
   "backend's are moved away from it.",
   R"(ALTER SYSTEM MODIFY BACKEND "10.0.0.1:9060" SET ("location"="rack:b"))", {}, writes},
  {"decommission_backend", "ALTER SYSTEM [CANCEL] DECOMMISSION BACKEND <address>",
   "Moves every replica off a backend, or calls that off.",
   "Refused, with the name of the table, if fewer backends of its cluster - or hosts, where its replicas are kept "
   "on different ones - would remain than it wants replicas. TabletNum of SHOW BACKENDS falls; at 0 the leader "
   "drops the backend by itself. CANCEL keeps what is still there.",
   R"(ALTER SYSTEM DECOMMISSION BACKEND "10.0.0.1:9060")", {}, writes},
  {"add_frontend", "ALTER SYSTEM ADD {FOLLOWER|OBSERVER} <member>",
   "Takes a front end into the group that keeps the edit log.",
   "\"host:port\" of its edit log port. It must be up, with an empty directory and node.join = true: its id is its own "
   "node.id, and its directory is written into the edit log together with it. A follower gets the log first and its vote "
   "by itself once it has caught up; until then it is an OBSERVER, and ErrMsg of SHOW FRONTENDS says what it waits for. "
   "One change is made at a time.",
   R"(ALTER SYSTEM ADD FOLLOWER "10.0.0.4:9010")", {}, writes},
  {"drop_frontend", "ALTER SYSTEM DROP {FOLLOWER|OBSERVER} <member>",
   "Takes a front end out of the group.",
   "It is told, serves no more, and its directory and id cannot come back: as a new one with an empty directory and another "
   "node.id it may. Refused for the last follower, and if fewer followers would be up than a majority of those that remain. "
   "The leader can be dropped: it hands over, and the next one drops it.",
   R"(ALTER SYSTEM DROP FOLLOWER "10.0.0.3:9010")", {}, writes, dangerous},
  {"transfer_leadership", "ADMIN TRANSFER LEADERSHIP TO <fe>", "Has another follower lead.",
   "A name of SHOW FRONTENDS. Returns when this front end no longer leads; nothing that was answered is lost, and what "
   "is written meanwhile is sent again. If the other does not take over within a second or so, this one goes on leading and says so.",
   "ADMIN TRANSFER LEADERSHIP TO 'fe2'", {}, writes},
  {"create_resource", "CREATE RESOURCE [IF NOT EXISTS] <resource> PROPERTIES ( <resource property>, ... )",
   "Names a remote store that data may cool to.",
   "\"type\"=\"file\": \"root\", a directory that every node mounts. \"type\"=\"s3\": \"endpoint\", \"bucket\" and "
   "\"root_path\", and if need be \"region\", \"ca_file\" and \"credentials_file\". Credentials are never part of "
   "a statement: they come from that file, which only tabletd may read and which is on every node, or from "
   "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of its environment. The leader asks the store "
   "first: one that is not there, has no conditional create, or belongs to another cluster, is refused.",
   R"(CREATE RESOURCE cold PROPERTIES("type"="s3", "endpoint"="https://s3.example:9000", "bucket"="cold", "root_path"="tabletd/prod"))", {}, writes},
  {"alter_resource", "ALTER RESOURCE <resource> PROPERTIES ( <resource property>, ... )",
   "Changes how a remote store is reached.",
   "What is not named stays; \"\" goes back to the default. The type never changes, and neither do root, bucket "
   "and root_path once cooled data lies there. The store is asked as by CREATE RESOURCE.",
   R"(ALTER RESOURCE cold PROPERTIES("endpoint"="https://s3-new.example:9000"))", {}, writes},
  {"drop_resource", "DROP RESOURCE [IF EXISTS] <resource>",
   "Forgets a remote store.",
   "Refused while a storage policy names it or cooled data lies there. Nothing in the store is deleted.",
   "DROP RESOURCE IF EXISTS cold", {}, writes, dangerous},
  {"create_storage_policy", "CREATE STORAGE POLICY [IF NOT EXISTS] <policy> PROPERTIES ( <policy property>, ... )",
   "Says when data cools, and where to.",
   "\"storage_resource\" names the resource. A rowset is due \"cooldown_ttl\" after it was written (\"1d\", "
   "\"12h\", \"1week\" or seconds), or at \"cooldown_datetime\" (\"yyyy-MM-dd HH:mm:ss\", UTC), which makes every "
   "rowset due that is written after it, too: exactly one of them. CREATE TABLE and ALTER TABLE put tables and "
   "partitions under it.",
   R"(CREATE STORAGE POLICY after_a_month PROPERTIES("storage_resource"="cold", "cooldown_ttl"="30d"))", {}, writes},
  {"alter_storage_policy", "ALTER STORAGE POLICY <policy> PROPERTIES ( <policy property>, ... )",
   "Changes when data cools, or where to.",
   "What is not named stays; \"cooldown_ttl\" takes the place of \"cooldown_datetime\" and the reverse. What has "
   "cooled already stays where it is.",
   R"(ALTER STORAGE POLICY after_a_month PROPERTIES("cooldown_ttl"="1week"))", {}, writes},
  {"drop_storage_policy", "DROP STORAGE POLICY [IF EXISTS] <policy>",
   "Forgets a storage policy.",
   "Refused while a table or partition is under it: SHOW STORAGE POLICY USING lists them.",
   "DROP STORAGE POLICY IF EXISTS after_a_month", {}, writes},
  {"cooldown_table", "ADMIN COOLDOWN TABLE <table> [PARTITION ( <partition>, ... )]",
   "Has everything that was loaded so far cool now, whatever the policy's time says.",
   "Only of partitions under a storage policy. What is loaded later cools when the policy says so. It is in the edit "
   "log, and returns at once: SHOW PROC '/cooldown' shows how far it is.",
   "ADMIN COOLDOWN TABLE shop.orders PARTITION (y2024)", {}, writes},
  {"recall_table", "RECALL TABLE <table> [PARTITION ( <partition>, ... )]",
   "Brings back to the backends' disks what has cooled.",
   "Refused while a storage policy would cool it again. The data is readable all the time, and stays local until a policy is set "
   "again. Returns at once: SHOW PROC '/cooldown' shows how far it is. Every replica needs room for its own copy.",
   "RECALL TABLE shop.orders PARTITION (y2024)", {}, writes},
  {"warm_up_cluster",
   "WARM UP {CLUSTER|COMPUTE GROUP} <cluster> WITH {CLUSTER|COMPUTE GROUP} <cluster> [FORCE] [DRY RUN] [PROPERTIES ( <warm-up property>, ... )]",
   "Fills a cluster's file caches with what another one serves most.",
   "The first cluster is filled; of the second, the hottest partitions are taken until the caches are full. Properties: "
   "\"sync_mode\" (\"once\"; \"periodic\" with \"sync_interval_sec\", the seconds from the start of a round to the next; "
   "\"event_driven\" with \"sync_event\", \"load\" or \"query\"), \"on_error\" (\"cancel\" the job, or \"skip\" what cannot be "
   "warmed; default cancel), \"when_busy\" (\"queue\" behind the job that warms the cluster now, or \"reject\"; default "
   "queue). DRY RUN answers with the plan and starts nothing. The answer is the job's id: SHOW WARM UP JOB shows how far it is.",
   R"(WARM UP CLUSTER blue WITH CLUSTER green PROPERTIES("sync_mode"="periodic", "sync_interval_sec"="600"))",
   columns::warm_up_job, writes},
  {"warm_up_tables",
   "WARM UP {CLUSTER|COMPUTE GROUP} <cluster> WITH TABLE <table> [PARTITION <partition>] [AND TABLE <table> [PARTITION <partition>]] ... [FORCE] [DRY RUN] [PROPERTIES ( <warm-up property>, ... )]",
   "Fills a cluster's file caches with what has cooled of some tables.",
   "Refused if it does not fit into the caches of the cluster, or of one of its backends; FORCE takes as much as fits, in "
   "the statement's order. DRY RUN shows how much each backend would get. Properties as of WARM UP CLUSTER ... WITH CLUSTER.",
   "WARM UP CLUSTER blue WITH TABLE shop.orders PARTITION y2024 AND TABLE shop.items", columns::warm_up_job, writes},
  {"cancel_warm_up", "CANCEL WARM UP JOB WHERE ID = <job>", "Ends a warm-up job for good.",
   "What is warm already stays in the caches. A backend ends the tablet it is at.", "CANCEL WARM UP JOB WHERE ID = 1207",
   {}, writes},
  {"pause_warm_up", "PAUSE WARM UP JOB WHERE ID = <job>", "Has a warm-up job rest until RESUME WARM UP JOB.",
   "Batches under way end and count. The job keeps its cluster: those queued behind it wait on.",
   "PAUSE WARM UP JOB WHERE ID = 1207", {}, writes},
  {"resume_warm_up", "RESUME WARM UP JOB WHERE ID = <job>", "Has a paused warm-up job go on where it stopped.", "",
   "RESUME WARM UP JOB WHERE ID = 1207", {}, writes},
  {"verify_warm_up", "VERIFY WARM UP JOB [WHERE ID =] <job>",
   "Has the backends prove what of a warm-up job is in their caches now.",
   "Every backend reads what it has of the batches that were warmed and compares it with its checksums. Warm, Damaged and Missing are "
   "bytes, Share is Warm of all; the last row is the total. A full cache may have dropped again what was warm.",
   "VERIFY WARM UP JOB 1207", columns::warm_up_shares, reads},
  {"load", "LOAD FILE <path> INTO <table> [PARTITION ( <partition>, ... )] [LABEL <label>]",
   "Loads the lines of a file of the client.",
   "All or nothing: the rows become visible together, as one version, once a majority of the replicas of every "
   "tablet has them on disk. A label (1 to 128 of A-Z a-z 0-9 _ - . :) makes a load happen at most once: a label "
   "that was committed in the last three days answers at once and loads nothing. A load goes into one partition; if "
   "the table has several it must be named.",
   "LOAD FILE '/tmp/orders.csv' INTO shop.orders LABEL 'orders-2024-11-24'", {}, writes},
  {"export", "EXPORT TABLE <table> [PARTITION ( <partition>, ... )] TO <path> [USING CLUSTER <cluster>]",
   "Writes all rows of a table, or of some partitions, to a file of the client.",
   "A snapshot: the rows of the version that is visible when the statement starts. Their order is not that of "
   "the files that were loaded. USING CLUSTER has that cluster's backends read what has cooled, through their file caches "
   "(WARM UP CLUSTER fills them), also those without a replica; the rest comes from the replicas.",
   "EXPORT TABLE shop.orders TO '/tmp/orders.out'", {}, reads},
  {"show_databases", "SHOW DATABASES", "Lists databases by name.", "", "SHOW DATABASES", columns::databases, reads},
  {"show_tables", "SHOW TABLES [FROM <database>]", "Lists the tables of a database by name.",
   "Without FROM: of the session's database, see USE.", "SHOW TABLES FROM shop", columns::tables, reads},
  {"show_backends", "SHOW BACKENDS", "One row per backend: liveness, replicas, disk space.",
   "Alive is what the edit log says, ErrMsg why a backend is not linked now. The ports HeartbeatPort, BePort and "
   "BrpcPort are the same one: a backend has one RPC port. Cluster and Location are what ALTER "
   "SYSTEM ADD BACKEND and MODIFY BACKEND said. ClusterDecommissioned is always false.",
   "SHOW BACKENDS", columns::backends, reads},
  {"show_frontends", "SHOW FRONTENDS", "One row per front end: role and journal position.",
   "Role is LEADER, FOLLOWER or OBSERVER. EditLogAddress is what ALTER SYSTEM ADD and DROP FOLLOWER name it by. ErrMsg says "
   "why it is not linked, or what it waits for before it votes.",
   "SHOW FRONTENDS",
   columns::frontends, reads},
  {"show_resources", "SHOW {RESOURCES|RESOURCE}",
   "Lists the remote stores by name.",
   "",
   "SHOW RESOURCES", columns::resources, reads},
  {"show_storage_policies", "SHOW STORAGE POLICY",
   "Lists the storage policies by name.",
   "CooldownTtl is in seconds, -1 for a policy that goes by CooldownDatetime. Version grows with every ALTER. "
   "Properties are those of the resource.",
   "SHOW STORAGE POLICY", columns::storage_policies, reads},
  {"show_policy_users", "SHOW STORAGE POLICY USING [FOR <policy>]",
   "Lists the tables and partitions under storage policies.",
   "Partitions is ALL for a table whose partitions are all under the policy.",
   "SHOW STORAGE POLICY USING FOR after_a_month", columns::policy_users, reads},
  {"show_warm_up", "SHOW WARM UP JOB [WHERE ID = <job>]", "Lists warm-up jobs, newest first, and how far they are.",
   "At most 2000; one that is over is forgotten after warmup.history_keep_s. Progress and Percent are of bytes, the batches under way included; "
   "Rate and ETA are of the round that runs. SHOW PROC '/warm_up/<job>' shows it backend by backend.",
   "SHOW WARM UP JOB WHERE ID = 1207", columns::warm_up_jobs, reads},
  {"show_tablet", "SHOW TABLET <tablet>", "Says which table a tablet belongs to.",
   "DetailCmd is the statement that shows its replicas. IsSync: the replicas agree with the catalog, that is, the "
   "tablet is healthy.",
   "SHOW TABLET 10005", columns::tablet_location, reads},
  {"show_tablets", "SHOW {TABLETS|TABLET} FROM <table> [PARTITION ( <partition>, ... )]",
   "One row per replica of a table.",
   "Version is the highest version with none missing below it, LstFailedVersion the last one the replica missed "
   "(-1: none). Columns named ...Hash, SchemaHash, CheckVersion, VersionCount, MetaUrl and CompactionStatus are "
   "kept for their readers and have no meaning here: 0, -1 or empty.",
   "SHOW TABLETS FROM shop.orders", columns::table_replicas, reads},
  {"show_proc", "SHOW PROC <proc>", "Shows a page of the tree of internal state.",
   "SHOW PROC '/' lists the pages; the columns depend on the page.", "SHOW PROC '/statistic'", {}, reads},
  {"explain_tablet", "EXPLAIN TABLET <tablet>", "Says what is done about a tablet, and place by place why there.",
   "The first rows have no backend: the tablet's health and priority, the decision, what is in the way and what "
   "would lift it, and where the tablet stands in the queue. Then one row per backend and path that was looked at "
   "as source or target. It is the scheduler's own decision function, asked now.",
   "EXPLAIN TABLET 10005", columns::explanation, reads},
  {"plan_of_balance", "PLAN REBALANCE", "Says what balance would move until it comes to rest.",
   "Nothing is moved. The first row sums up: moves, bytes, and how long the busiest disk needs at 5 MiB/s. STUCK rows say "
   "what stays uneven, or why balance rests. At most 1000 moves are listed.",
   "PLAN REBALANCE", columns::plan, reads},
  {"plan_of_decommission", "PLAN DECOMMISSION BACKEND <address>",
   "Says what would be copied if a backend were decommissioned.",
   "Nothing is copied. It asks the scheduler's own decision function about a cluster in which that has happened. STUCK rows "
   "name tablets that could not leave, and why.",
   R"(PLAN DECOMMISSION BACKEND "10.0.0.1:9060")", columns::plan, reads},
  {"plan_of_loss", "PLAN LOSE BACKEND <address>", "Says what would be copied if a backend were lost.",
   "As PLAN DECOMMISSION, without the backend as a source. STUCK rows name tablets that would be lost or lack a replica.",
   R"(PLAN LOSE BACKEND "10.0.0.1:9060")", columns::plan, reads},
  {"save_plan", "PLAN {REBALANCE|DECOMMISSION BACKEND <address>|LOSE BACKEND <address>} SAVE AS <plan>",
   "Computes a plan and keeps it under a name.",
   "Nothing is moved. A name has 1 to 128 of A-Z a-z 0-9 _ - . :; at most 16 plans of at most 10000 moves are kept, in the "
   "edit log. SHOW PLAN lists the moves, APPLY PLAN has them made. Copies that mend a replica where it is are left out: "
   "repair makes them anyway.",
   "PLAN REBALANCE SAVE AS 'friday'", {}, writes},
  {"apply_plan", "APPLY PLAN <plan>", "Has the moves of a kept plan made.",
   "REBALANCE: balance makes its moves, in order, before it looks for others. DECOMMISSION: the backend is decommissioned, "
   "and its replicas go where the plan says as long as every rule allows it. Each move is judged again when it is its "
   "turn, and skipped when it no longer holds. Refused if backends were added, dropped, decommissioned or given another "
   "cluster or location since, or partitions of its tables were changed: plan again. Refused for LOSE: repair does it by "
   "itself. One plan is applied at a time.",
   "APPLY PLAN 'friday'", {}, writes},
  {"drop_plan", "DROP PLAN <plan>", "Forgets a kept plan.",
   "If it is being applied, the moves under way go on and the rest are not made; a decommission goes on without it.",
   "DROP PLAN 'friday'", {}, writes},
  {"show_plans", "SHOW PLANS", "Lists the kept plans and how far they are.",
   "State is SAVED, APPLYING or DONE: every move is done or skipped. Epoch is the log index of the catalog it was computed "
   "from. BackendId is -1 for a plan about none.",
   "SHOW PLANS", columns::saved_plans, reads},
  {"show_plan", "SHOW PLAN <plan>", "Lists the moves of a kept plan, in order.",
   "State is PLANNED, RUNNING (from its order until the replica has gone from its old place), DONE or SKIPPED; Reason says "
   "why it was skipped.",
   "SHOW PLAN 'friday'", columns::saved_plan, reads},
  {"diagnose_tablet", "ADMIN DIAGNOSE TABLET <tablet>", "Checks a tablet step by step, with advice.",
   "Stops at the first level that does not exist.", "ADMIN DIAGNOSE TABLET 10005", columns::diagnosis, reads},
  {"show_repair_history", "SHOW REPAIR HISTORY [FOR TABLET <tablet>]",
   "Decisions about tablets, newest first, and what became of them.",
   "From the edit log: it survives a change of leader. At most 1000 rows of the last 10000 decisions. Entry is the log "
   "index of the order.",
   "SHOW REPAIR HISTORY FOR TABLET 10005", columns::repair_history, reads},
  {"show_replica_status",
   "ADMIN SHOW REPLICA STATUS FROM <table> [PARTITION ( <partition>, ... )] [WHERE STATUS {=|!=} <status>]",
   "One row per replica, and per missing one: can it be used.",
   "Status is the first that fits: DEAD (backend down or replica damaged), VERSION_ERROR (it lacks versions), "
   "SCHEMA_ERROR (never: there are no schemas), OK; MISSING stands for a replica that should be there. "
   "CommittedVersion is the partition's visible version.",
   R"(ADMIN SHOW REPLICA STATUS FROM shop.orders WHERE STATUS != "OK")", columns::replica_status, reads},
  {"show_replica_distribution", "ADMIN SHOW REPLICA DISTRIBUTION FROM <table> [PARTITION ( <partition>, ... )]",
   "How many replicas of a table each backend holds.", "An average backend shows one >, a twice as full one two.",
   "ADMIN SHOW REPLICA DISTRIBUTION FROM shop.orders", columns::replica_distribution, reads},
  {"repair_table", "ADMIN [CANCEL] REPAIR TABLE <table> [PARTITION ( <partition>, ... )]",
   "Has the sick tablets of a table mended before others, or takes that back.",
   "They get priority VERY_HIGH for four hours. It is in the edit log: a new leader knows it too. "
   "SHOW PROC '/cluster_balance/priority_repair' lists what is urgent.",
   "ADMIN REPAIR TABLE shop.orders PARTITION (y2024)", {}, writes},
  {"set_replica_status", "ADMIN SET REPLICA STATUS PROPERTIES ( <replica property>, ... )",
   "Declares a replica damaged, or takes that back.",
   "\"tablet_id\", \"backend_id\" and \"status\" (\"bad\" or \"ok\"). A bad replica is never read and gets "
   "replaced; no report of its backend changes that.",
   R"(ADMIN SET REPLICA STATUS PROPERTIES("tablet_id"="10005", "backend_id"="10001", "status"="bad"))", {}, writes,
   dangerous},
  {"set_config", "ADMIN SET FRONTEND CONFIG ( <config>, ... )", "Changes settings of the scheduler while it runs.",
   "In the edit log: it holds for every front end and survives restarts. \"\" goes back to the default. ADMIN SHOW "
   "FRONTEND CONFIG lists keys and values.",
   R"(ADMIN SET FRONTEND CONFIG ("disable_balance"="true"))", {}, writes},
  {"show_config", "ADMIN SHOW FRONTEND CONFIG [LIKE <pattern>]", "Lists settings and their values.",
   "In a pattern % stands for any text and _ for one character.", R"(ADMIN SHOW FRONTEND CONFIG LIKE "%slot%")",
   columns::config, reads},
  {"pause_balance",
   "ADMIN PAUSE BALANCE {ALL|TABLE <table>|BACKEND <address>} FOR <duration> [REASON <reason>]",
   "Stops balance moves for a while: all, of one table, or to and from one backend.",
   "At most 30d. Repairs go on. It ends by itself; ADMIN RESUME BALANCE ends it earlier.",
   R"(ADMIN PAUSE BALANCE BACKEND "10.0.0.1:9060" FOR 2h REASON "disk swap")", {}, writes},
  {"resume_balance", "ADMIN RESUME BALANCE {ALL|TABLE <table>|BACKEND <address>}", "Ends a pause of balance.",
   "ALL ends the pause of that name only; those of tables and backends stay.", "ADMIN RESUME BALANCE ALL", {}, writes},
  {"rebalance_disk", "ADMIN [CANCEL] REBALANCE DISK [ON ( <address>, ... )]",
   "Evens out the disks inside backends before other balance work, or takes that back.",
   "Holds for 24 hours; without ON for every backend.", R"(ADMIN REBALANCE DISK ON ("10.0.0.1:9060"))", {}, writes},
  {"check_tablets", "ADMIN CHECK TABLET ( <tablet>, ... ) [PROPERTIES ( <check property>, ... )]",
   "Has every replica of tablets read and compared with its checksums.",
   "\"type\"=\"consistency\" is the only kind. Returns when the checks are ordered; a damaged replica is reported "
   "by its backend, counts in InconsistentTabletNum of SHOW PROC '/statistic' and is repaired.",
   R"(ADMIN CHECK TABLET (10005, 10006) PROPERTIES("type"="consistency"))", {}, writes},
  {"make_checkpoint", "ADMIN CHECKPOINT [ON <fe>]", "Has an image of the catalog made now and given to every front end.",
   "Waits until the image has reached the leader or the attempt has failed, and says which. ON names the front end that "
   "makes it (SHOW FRONTENDS); without it, one that is not the leader. SHOW PROC '/checkpoint' shows how it goes.",
   "ADMIN CHECKPOINT ON 'fe2'", {}, writes},
  {"help", "HELP [<words>]", "Lists statements, or explains the one that begins with these words.", "",
   "HELP SHOW TABLET", columns::help, reads},
}};

std::string leading_words(const help_words& about) {
  std::string out;
  for (const auto& word : about.words)
    out += (out.empty() ? "" : " ") + upper(word);
  return out;
}

std::string column_list(std::span<const column> of) {
  std::string out;
  for (const auto& one : of)
    out += (out.empty() ? "" : ", ") + std::string{one.name};
  return out.empty() ? "none: it answers with a message" : out;
}

table_value explained(const statement_row& row) {
  table_value out{{columns::help.begin(), columns::help.end()}, {}};
  const auto add = [&](const char* topic, std::string_view text) {
    out.rows.push_back({std::string{topic}, std::string{text}});
  };
  add("Synopsis", row.synopsis);
  add("Summary", row.summary);
  if (!row.text.empty())
    add("Text", row.text);
  add("Columns", row.kind == "show_proc" ? "those of the page" : column_list(row.columns));
  add("Needs", row.mutates ? "a session that may change state" : "nothing: it only reads");
  if (row.dangerous)
    add("Dangerous", "it destroys something, and nobody asks before");
  add("Example", row.example);
  return out;
}

} // namespace

std::span<const statement_row> statement_table() {
  return rows;
}

const statement_row& row_of(const statement& what) {
  return rows[what.index()];
}

std::vector<const statement_row*> rows_beginning_with(std::span<const std::string> words) {
  std::vector<const statement_row*> found;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (begins_with(forms()[i], words))
      found.push_back(&rows[i]);
  return found;
}

std::variant<table_value, statement_error> help(const help_words& about) {
  const auto found = rows_beginning_with(about.words);
  if (found.empty()) {
    statement_error error{error_code::not_found, "no statement begins with " + leading_words(about), {}, {}, {}, {}, {}};
    std::vector<std::string> beginnings;
    for (const auto& row : rows)
      beginnings.push_back(keywords_of(row.synopsis));
    const auto near = nearest(leading_words(about), beginnings);
    error.hint = near.empty() ? "HELP lists all statements" : "did you mean HELP " + near + "?";
    return error;
  }
  if (found.size() == 1)
    return explained(*found.front());
  table_value out{{columns::help.begin(), columns::help.end()}, {}};
  for (const auto* row : found)
    out.rows.push_back({std::string{row->synopsis}, std::string{row->summary}});
  return out;
}

} // namespace tabletd::model
