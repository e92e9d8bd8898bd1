// The statement language: what parses, what it prints as, and how a mistake is pointed at.
#include "actors/model/statement.h"
#include "actors/model/statement_lexer.h"
#include "actors/model/statement_table.h"
#include "tests/model/statement_words.h"
#include <gtest/gtest.h>
#include <algorithm>

namespace tabletd::model {
namespace {

/// The error as a client prints it: message, source line, caret, hint.
std::string complaint(std::string_view text) {
  const auto outcome = parse(text);
  const auto* error = std::get_if<statement_error>(&outcome);
  if (!error)
    return "it parsed";
  const auto line_begin = error->at.offset - std::min<std::size_t>(error->at.offset, text.substr(0, error->at.offset).size() - (text.substr(0, error->at.offset).rfind('\n') + 1));
  const auto line = text.substr(line_begin, text.find('\n', line_begin) - line_begin);
  return std::string{error->code == error_code::syntax ? "syntax" : "invalid"} + ' ' + std::to_string(error->at.line) + ':'
         + std::to_string(error->at.column) + ": " + error->message + "\n  " + std::string{line} + "\n  "
         + std::string(error->at.column - 1, ' ') + '^' + std::string(error->at.length > 1 ? error->at.length - 1 : 0, '~')
         + "\n" + error->hint + "\n";
}

TEST(StatementTable, EveryRowExplainsItselfAndItsExampleParses) {
  std::size_t index = 0;
  for (const auto& row : statement_table()) {
    SCOPED_TRACE(row.synopsis);
    EXPECT_FALSE(row.kind.empty());
    EXPECT_FALSE(row.summary.empty());
    EXPECT_EQ(row.summary.back(), '.');
    const auto example = parsed(row.example);
    EXPECT_EQ(example.index(), index) << "rows and alternatives are in the same order";
    EXPECT_EQ(&row_of(example), &row);
    EXPECT_EQ(parsed(print(example)), example);
    const bool shows = row.kind.starts_with("show_") && row.kind != "show_proc";
    const bool explains = row.kind == "help" || row.kind == "explain_tablet" || row.kind == "diagnose_tablet";
    const bool plans = row.kind.starts_with("plan_");
    const bool warms = row.kind.starts_with("warm_up_") || row.kind == "verify_warm_up";
    EXPECT_EQ(shows || explains || plans || warms, !row.columns.empty()) << "a table has columns";
    EXPECT_TRUE(!row.dangerous || row.mutates);
    ++index;
  }
  EXPECT_EQ(index, std::variant_size_v<statement>);
}

TEST(StatementTable, OnlyStatementsThatChangeStateNeedAuthority) {
  std::vector<std::string_view> writers;
  for (const auto& row : statement_table())
    if (row.mutates)
      writers.push_back(row.kind);
  EXPECT_EQ(writers, (std::vector<std::string_view>{"create_database", "drop_database", "create_table", "drop_table",
                                                    "add_partition", "drop_partition", "modify_partition", "set_table_policy", "add_backends",
                                                    "drop_backend", "modify_backend", "decommission_backend",
                                                    "add_frontend", "drop_frontend", "transfer_leadership", "create_resource",
                                                    "alter_resource", "drop_resource", "create_storage_policy",
                                                    "alter_storage_policy", "drop_storage_policy", "cooldown_table", "recall_table",
                                                    "warm_up_cluster", "warm_up_tables", "cancel_warm_up", "pause_warm_up", "resume_warm_up", "load",
                                                    "save_plan", "apply_plan", "drop_plan",
                                                    "repair_table", "set_replica_status", "set_config", "pause_balance",
                                                    "resume_balance", "rebalance_disk", "check_tablets",
                                                    "make_checkpoint"}));
}

TEST(Statement, ParsesWhatItShould) {
  EXPECT_EQ(parsed("create database if not exists shop;"), (statement{create_database{"shop", true}}));
  EXPECT_EQ(parsed("CREATE DATABASE shop"), (statement{create_database{"shop", false}}));
  EXPECT_EQ(parsed("DROP DATABASE IF EXISTS shop"), (statement{drop_database{"shop", true}}));
  EXPECT_EQ(parsed("CREATE TABLE shop.orders (KEY 2) BUCKETS 8"),
            (statement{create_table{{"shop", "orders"}, false, 2, 8, 3, '\t'}}));
  EXPECT_EQ(parsed("CREATE TABLE IF NOT EXISTS t (KEY 1)\n BUCKETS 1 PROPERTIES(\"column_separator\"=\";\",'replication_num'='1')"),
            (statement{create_table{{"", "t"}, true, 1, 1, 1, ';'}}));
  EXPECT_EQ(parsed(R"(CREATE TABLE t (KEY 1) BUCKETS 1 PROPERTIES("column_separator"="\x01"))"),
            (statement{create_table{{"", "t"}, false, 1, 1, 3, '\x01'}}));
  EXPECT_EQ(parsed("DROP TABLE shop . orders"), (statement{drop_table{{"shop", "orders"}, false}}));
  EXPECT_EQ(parsed("USE `table`"), (statement{use_database{"table"}}));
  EXPECT_EQ(parsed("use table"), (statement{use_database{"table"}})) << "keywords are names where a name must stand";
  EXPECT_EQ(parsed(R"(ALTER SYSTEM ADD BACKEND "10.0.0.1:9060" , 'be-2.lan:1',"[::1]:9061")"),
            (statement{add_backends{{{"10.0.0.1", 9060}, {"be-2.lan", 1}, {"::1", 9061}}}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM DROP BACKEND "h:1")"), (statement{drop_backend{{"h", 1}}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM DECOMMISSION BACKEND "h:1")"), (statement{decommission_backend{{"h", 1}, true}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM CANCEL DECOMMISSION BACKEND "h:1")"), (statement{decommission_backend{{"h", 1}, false}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM ADD FOLLOWER "h:1")"), (statement{add_frontend{{"h", 1}, true}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM ADD OBSERVER "h:1")"), (statement{add_frontend{{"h", 1}, false}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM DROP FOLLOWER "h:1")"), (statement{drop_frontend{{"h", 1}, true}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM DROP OBSERVER "h:1")"), (statement{drop_frontend{{"h", 1}, false}}));
  EXPECT_EQ(parsed("admin transfer leadership to 'fe2'"), (statement{hand_over_leadership{"fe2"}}));
  EXPECT_EQ(parsed("LOAD FILE '/tmp/it''s \\\\ here' INTO d.t LABEL 'a-1.b:c'"),
            (statement{load_file{"/tmp/it's \\ here", {"d", "t"}, "a-1.b:c"}}));
  EXPECT_EQ(parsed("EXPORT TABLE d.t TO \"数据.tsv\""), (statement{export_table{{"d", "t"}, "数据.tsv"}}));
  EXPECT_EQ(parsed("SHOW TABLES"), (statement{show_tables{}}));
  EXPECT_EQ(parsed("SHOW TABLES FROM shop"), (statement{show_tables{"shop"}}));
  EXPECT_EQ(parsed("SHOW TABLET 29502553"), (statement{show_tablet{29502553}}));
  EXPECT_EQ(parsed("SHOW TABLET FROM tbl1"), (statement{show_tablets{{"", "tbl1"}}}));
  EXPECT_EQ(parsed("SHOW TABLETS FROM d.tbl1"), (statement{show_tablets{{"d", "tbl1"}}}));
  EXPECT_EQ(parsed("SHOW PROC '/cluster_balance/pending_tablets'"), (statement{show_proc{"/cluster_balance/pending_tablets"}}));
  EXPECT_EQ(parsed("HELP"), (statement{help_words{}}));
  EXPECT_EQ(parsed("help alter table drop partition"), (statement{help_words{{"alter", "table", "drop", "partition"}}}));
  EXPECT_EQ(parsed("help show tablet;;"), (statement{help_words{{"show", "tablet"}}}));
  EXPECT_EQ(parsed("-- first a remark\nSHOW /* and\n another */ BACKENDS -- the end"), (statement{show_backends{}}));
}

TEST(Statement, ParsesPartitions) {
  create_table two{{"d", "t"}, false, 1, 4, 3, '\t', {"p1", "p2"}, medium::ssd, "blue", "g"};
  EXPECT_EQ(parsed("CREATE TABLE d.t (KEY 1) PARTITION (p1, p2) BUCKETS 4 "
                   R"(PROPERTIES("storage_medium"="ssd", "cluster"="blue", "colocate_with"="g"))"),
            statement{two});
  EXPECT_EQ(parsed("alter table t add partition p3"), (statement{add_partition{{"", "t"}, "p3", std::nullopt}}));
  EXPECT_EQ(parsed(R"(ALTER TABLE t ADD PARTITION p3 PROPERTIES("storage_medium"="HDD"))"),
            (statement{add_partition{{"", "t"}, "p3", medium::hdd}}));
  EXPECT_EQ(parsed("ALTER TABLE d.t DROP PARTITION `p-1`"), (statement{drop_partition{{"d", "t"}, "p-1"}}));
  EXPECT_EQ(parsed(R"(ALTER TABLE t MODIFY PARTITION p SET ("storage_medium"="ANY"))"),
            (statement{modify_partition{{"", "t"}, "p", std::optional<medium>{}, {}}}));
  EXPECT_EQ(parsed("LOAD FILE '/f' INTO t PARTITION (p1) LABEL 'a'"), (statement{load_file{"/f", {"", "t"}, "a", "p1"}}));
  EXPECT_EQ(parsed("EXPORT TABLE t PARTITION (p1, p2) TO '/f'"), (statement{export_table{{"", "t"}, "/f", {"p1", "p2"}}}));
  EXPECT_EQ(parsed("SHOW TABLETS FROM t PARTITION (p1)"), (statement{show_tablets{{"", "t"}, {"p1"}}}));
}

TEST(Statement, ParsesWhatOperatorsSay) {
  const backend_address h1{"h", 1};
  EXPECT_EQ(parsed(R"(ALTER SYSTEM ADD BACKEND "h:1", "i:2" PROPERTIES("location"="rack:a", "cluster"="blue"))"),
            (statement{add_backends{{h1, {"i", 2}}, "blue", "rack:a"}}));
  EXPECT_EQ(parsed(R"(ALTER SYSTEM MODIFY BACKEND "h:1" SET ("location"=""))"), (statement{modify_backend{h1, std::nullopt, ""}}));
  EXPECT_EQ(parsed("EXPLAIN TABLET 7"), (statement{explain_tablet{7}}));
  EXPECT_EQ(parsed("ADMIN DIAGNOSE TABLET 7"), (statement{diagnose_tablet{7}}));
  EXPECT_EQ(parsed("SHOW REPAIR HISTORY"), (statement{show_repair_history{}}));
  EXPECT_EQ(parsed("SHOW REPAIR HISTORY FOR TABLET 7"), (statement{show_repair_history{7}}));
  EXPECT_EQ(parsed(R"(ADMIN SHOW REPLICA STATUS FROM t PARTITION (p) WHERE STATUS = "version_error")"),
            (statement{show_replica_status{{"", "t"}, {"p"}, replica_status_filter{replica_status::version_error, false}}}));
  EXPECT_EQ(parsed("ADMIN SHOW REPLICA STATUS FROM t WHERE STATUS!='OK'"),
            (statement{show_replica_status{{"", "t"}, {}, replica_status_filter{replica_status::ok, true}}}));
  EXPECT_EQ(parsed("ADMIN SHOW REPLICA DISTRIBUTION FROM t"), (statement{show_replica_distribution{{"", "t"}, {}}}));
  EXPECT_EQ(parsed("ADMIN REPAIR TABLE t PARTITION (p, q)"), (statement{repair_table{{"", "t"}, {"p", "q"}, true}}));
  EXPECT_EQ(parsed("ADMIN CANCEL REPAIR TABLE t"), (statement{repair_table{{"", "t"}, {}, false}}));
  EXPECT_EQ(parsed(R"(ADMIN SET REPLICA STATUS PROPERTIES("status"="BAD", "backend_id"="2", "tablet_id"="1"))"),
            (statement{set_replica_status{1, 2, true}}));
  EXPECT_EQ(parsed(R"(ADMIN SET FRONTEND CONFIG ("tablet_sched_slot_num_per_path"="8", "disable_balance"=""))"),
            (statement{set_config{{{"schedule_slot_num_per_path", "8"}, {"disable_balance", ""}}}})) << "an alias means its key";
  EXPECT_EQ(parsed("ADMIN SHOW FRONTEND CONFIG LIKE '%slot%'"), (statement{show_config{"%slot%"}}));
  EXPECT_EQ(parsed("ADMIN PAUSE BALANCE ALL FOR 90s"), (statement{pause_balance{{}, std::chrono::seconds(90), ""}}));
  EXPECT_EQ(parsed("admin pause balance table d.t for 2H reason 'swap'"),
            (statement{pause_balance{table_name{"d", "t"}, std::chrono::hours(2), "swap"}}));
  EXPECT_EQ(parsed("ADMIN RESUME BALANCE BACKEND 'h:1'"), (statement{resume_balance{h1}}));
  EXPECT_EQ(parsed("PLAN REBALANCE"), (statement{plan_of_balance{}}));
  EXPECT_EQ(parsed("plan rebalance save as 'friday'"), (statement{save_plan{plan_kind::rebalance, {}, "friday"}}));
  EXPECT_EQ(parsed("PLAN DECOMMISSION BACKEND 'h:1' SAVE AS \"a.b:c-d\""),
            (statement{save_plan{plan_kind::decommission, h1, "a.b:c-d"}}));
  EXPECT_EQ(parsed("PLAN LOSE BACKEND 'h:1' SAVE AS 'x'"), (statement{save_plan{plan_kind::loss, h1, "x"}}));
  EXPECT_EQ(parsed("APPLY PLAN 'x';"), (statement{apply_plan{"x"}}));
  EXPECT_EQ(parsed("DROP PLAN 'x'"), (statement{drop_plan{"x"}}));
  EXPECT_EQ(parsed("SHOW PLANS"), (statement{show_plans{}}));
  EXPECT_EQ(parsed("SHOW PLAN 'x'"), (statement{show_plan{"x"}}));
  EXPECT_EQ(parsed("ADMIN CHECKPOINT"), (statement{make_checkpoint{}}));
  EXPECT_EQ(parsed("admin checkpoint on 'fe2'"), (statement{make_checkpoint{"fe2"}}));
  EXPECT_EQ(parsed("ADMIN REBALANCE DISK"), (statement{rebalance_disk{{}, true}}));
  EXPECT_EQ(parsed("ADMIN CANCEL REBALANCE DISK ON ('h:1')"), (statement{rebalance_disk{{h1}, false}}));
  EXPECT_EQ(parsed("ADMIN CHECK TABLET (1, 2)"), (statement{check_tablets{{1, 2}}}));
}

// What a person sees.  The caret must stand under the mistake; the hint must be the next step.
TEST(Statement, MistakesArePointedAt) {
  struct row {
    const char* text;
    const char* complaint;
  };
  const row table[] = {
    {"SHOW TABLETS FRM tbl1",
     "syntax 1:14: expected FROM, found FRM\n"
     "  SHOW TABLETS FRM tbl1\n"
     "               ^~~\n"
     "did you mean FROM?  HELP SHOW TABLETS;\n"},
    {"SHOW BACKNDS;",
     "syntax 1:6: expected DATABASES, TABLES, BACKENDS, FRONTENDS, RESOURCES, RESOURCE, STORAGE, WARM, TABLET, TABLETS, PROC, PLANS, PLAN or REPAIR, found BACKNDS\n"
     "  SHOW BACKNDS;\n"
     "       ^~~~~~~\n"
     "did you mean BACKENDS?  HELP SHOW;\n"},
    {"CREATE TABLE shop.orders\n  (KEY 1) BUCKET 8",
     "syntax 2:11: expected PARTITION or BUCKETS, found BUCKET\n"
     "    (KEY 1) BUCKET 8\n"
     "            ^~~~~~\n"
     "did you mean BUCKETS?  HELP CREATE TABLE;\n"},
    {"USE 数据",
     "syntax 1:5: no statement has this character outside quotes\n"
     "  USE 数据\n"
     "      ^~~\n"
     "HELP USE;\n"},
    {"EXPORT TABLE t TO '数据' x",
     "syntax 1:24: expected USING or the end of the statement, found x\n"
     "  EXPORT TABLE t TO '数据' x\n"
     "                         ^\n"
     "HELP EXPORT TABLE;\n"},
    {"SHOW PROC '/statistic",
     "syntax 1:11: this quote is not closed: ' is missing\n"
     "  SHOW PROC '/statistic\n"
     "            ^\n"
     "HELP SHOW PROC;\n"},
    {"SHOW PROC",
     "syntax 1:10: expected a quoted path ('/statistic'), found the end of the statement\n"
     "  SHOW PROC\n"
     "           ^\n"
     "HELP SHOW PROC;\n"},
    {"SHOW TABLET x",
     "syntax 1:13: expected a tablet id or FROM, found x\n"
     "  SHOW TABLET x\n"
     "              ^\n"
     "HELP SHOW TABLET;\n"},
    {"SHOW BACKENDS; SHOW FRONTENDS",
     "syntax 1:16: expected the end of the statement, found SHOW\n"
     "  SHOW BACKENDS; SHOW FRONTENDS\n"
     "                 ^~~~\n"
     "send one statement at a time.  HELP SHOW BACKENDS;\n"},
    {"",
     "syntax 1:1: expected CREATE, DROP, ALTER, USE, ADMIN, RECALL, WARM, CANCEL, PAUSE, RESUME, VERIFY, LOAD, EXPORT, SHOW, EXPLAIN, PLAN, APPLY or HELP, found the end of the statement\n"
     "  \n"
     "  ^\n"
     "HELP;\n"},
    {"DROP TABLE 1st",
     "syntax 1:12: neither a number nor a name: a name does not begin with a digit\n"
     "  DROP TABLE 1st\n"
     "             ^~~\n"
     "HELP DROP TABLE;\n"},
    {"CREATE TABLE t (KEY 0) BUCKETS 8",
     "invalid 1:21: 0 is no column number\n"
     "  CREATE TABLE t (KEY 0) BUCKETS 8\n"
     "                      ^\n"
     "it must be 1 to 4294967295\n"},
    {"CREATE TABLE t (KEY 1) BUCKETS 99999999999999999999999",
     "invalid 1:32: 99999999999999999999999 is no number of buckets\n"
     "  CREATE TABLE t (KEY 1) BUCKETS 99999999999999999999999\n"
     "                                 ^~~~~~~~~~~~~~~~~~~~~~~\n"
     "it must be 1 to 16384\n"},
    {"CREATE TABLE t (KEY 1) BUCKETS 8 PROPERTIES(\"replication\"=\"3\")",
     "invalid 1:45: no table has the property \"replication\"\n"
     "  CREATE TABLE t (KEY 1) BUCKETS 8 PROPERTIES(\"replication\"=\"3\")\n"
     "                                              ^~~~~~~~~~~~~\n"
     "did you mean \"replication_num\"?\n"},
    {"CREATE TABLE t (KEY 1) BUCKETS 8 PROPERTIES(\"column_separator\"=\"ab\")",
     "invalid 1:64: \"ab\" is no column separator\n"
     "  CREATE TABLE t (KEY 1) BUCKETS 8 PROPERTIES(\"column_separator\"=\"ab\")\n"
     "                                                                 ^~~~\n"
     "it must be one byte that is not a newline, like \";\", \"\\t\" or \"\\x01\"\n"},
    {"CREATE TABLE t (KEY 1) BUCKETS 8 PROPERTIES(\"replication_num\" \"3\")",
     "syntax 1:63: expected =, found \"3\"\n"
     "  CREATE TABLE t (KEY 1) BUCKETS 8 PROPERTIES(\"replication_num\" \"3\")\n"
     "                                                                ^~~\n"
     "HELP CREATE TABLE;\n"},
    {"ALTER SYSTEM ADD BACKEND \"10.0.0.1\"",
     "invalid 1:26: \"10.0.0.1\" is no backend address\n"
     "  ALTER SYSTEM ADD BACKEND \"10.0.0.1\"\n"
     "                           ^~~~~~~~~~\n"
     "write \"host:port\", like \"10.0.0.1:9060\"\n"},
    {"CREATE DATABASE `a b`",
     "invalid 1:17: `a b` is no valid name\n"
     "  CREATE DATABASE `a b`\n"
     "                  ^~~~~\n"
     "a name has 1 to 64 of A-Z a-z 0-9 _ - and begins with a letter or _\n"},
    {"LOAD FILE 'x' INTO t LABEL 'a b'",
     "invalid 1:28: 'a b' is no label\n"
     "  LOAD FILE 'x' INTO t LABEL 'a b'\n"
     "                             ^~~~~\n"
     "a label has 1 to 128 of A-Z a-z 0-9 _ - . :\n"},
    {"APPLY PLAN 'a b'",
     "invalid 1:12: 'a b' is no plan name\n"
     "  APPLY PLAN 'a b'\n"
     "             ^~~~~\n"
     "a plan name has 1 to 128 of A-Z a-z 0-9 _ - . :\n"},
    {"LOAD FILE 'x' INTO t PARTITION (p1, p2)",
     "invalid 1:37: one partition is meant here, and p2 is another\n"
     "  LOAD FILE 'x' INTO t PARTITION (p1, p2)\n"
     "                                      ^~\n"
     "a load goes into one partition: load each with a statement of its own\n"},
    {"EXPORT TABLE t PARTITION (p, p) TO 'x'",
     "invalid 1:30: the partition p is named twice\n"
     "  EXPORT TABLE t PARTITION (p, p) TO 'x'\n"
     "                               ^\n"
     "keep one of them\n"},
    {"ALTER TABLE t MODIFY PARTITION p SET (\"storage_medium\"=\"NVME\")",
     "invalid 1:56: \"NVME\" is no storage medium\n"
     "  ALTER TABLE t MODIFY PARTITION p SET (\"storage_medium\"=\"NVME\")\n"
     "                                                         ^~~~~~\n"
     "it must be \"HDD\", \"SSD\" or \"ANY\"\n"},
    {"ALTER SYSTEM ADD BACKEND \"h:1\" PROPERTIES(\"location\"=\"a\")",
     "invalid 1:54: \"a\" is no location\n"
     "  ALTER SYSTEM ADD BACKEND \"h:1\" PROPERTIES(\"location\"=\"a\")\n"
     "                                                       ^~~\n"
     "write \"kind:name\", like \"rack:a\": 1 to 128 of A-Z a-z 0-9 _ - . :\n"},
    {"ADMIN SHOW REPLICA STTUS FROM tbl1;",
     "syntax 1:20: expected STATUS or DISTRIBUTION, found STTUS\n"
     "  ADMIN SHOW REPLICA STTUS FROM tbl1;\n"
     "                     ^~~~~\n"
     "did you mean STATUS?  HELP ADMIN SHOW REPLICA;\n"},
    {"ADMIN SHOW REPLICA STATUS FROM t WHERE STATUS < 'OK'",
     "syntax 1:47: no statement has this character outside quotes\n"
     "  ADMIN SHOW REPLICA STATUS FROM t WHERE STATUS < 'OK'\n"
     "                                                ^\n"
     "HELP ADMIN SHOW REPLICA STATUS FROM;\n"},
    {"ADMIN SHOW REPLICA STATUS FROM t WHERE STATUS = 'NORMAL'",
     "invalid 1:49: 'NORMAL' is no replica status\n"
     "  ADMIN SHOW REPLICA STATUS FROM t WHERE STATUS = 'NORMAL'\n"
     "                                                  ^~~~~~~~\n"
     "there are OK, DEAD, VERSION_ERROR, SCHEMA_ERROR and MISSING\n"},
    {"ADMIN SET REPLICA STATUS PROPERTIES(\"tablet_id\"=\"1\", \"status\"=\"bad\")",
     "invalid 1:69: the property \"backend_id\" is missing\n"
     "  ADMIN SET REPLICA STATUS PROPERTIES(\"tablet_id\"=\"1\", \"status\"=\"bad\")\n"
     "                                                                      ^\n"
     "it is needed here\n"},
    {"ADMIN SET FRONTEND CONFIG (\"disable_balanc\"=\"true\")",
     "invalid 1:28: there is no setting \"disable_balanc\"\n"
     "  ADMIN SET FRONTEND CONFIG (\"disable_balanc\"=\"true\")\n"
     "                             ^~~~~~~~~~~~~~~~\n"
     "did you mean \"disable_balance\"?\n"},
    {"ADMIN SET FRONTEND CONFIG (\"tablet_repair_delay_factor_second\"=\"-1\")",
     "invalid 1:64: \"-1\" is no value of \"tablet_repair_delay_factor_second\"\n"
     "  ADMIN SET FRONTEND CONFIG (\"tablet_repair_delay_factor_second\"=\"-1\")\n"
     "                                                                 ^~~~\n"
     "it must be \"0\" to \"86400\" seconds; \"\" is the default\n"},
    {"ADMIN SET FRONTEND CONFIG (\"tablet_further_repair_max_times\"=\"6\")",
     "invalid 1:28: the setting \"tablet_further_repair_max_times\" cannot be changed\n"
     "  ADMIN SET FRONTEND CONFIG (\"tablet_further_repair_max_times\"=\"6\")\n"
     "                             ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "it is part of how the log is read\n"},
    {"ADMIN PAUSE BALANCE FOR 1h",
     "syntax 1:21: expected ALL, TABLE or BACKEND, found FOR\n"
     "  ADMIN PAUSE BALANCE FOR 1h\n"
     "                      ^~~\n"
     "HELP ADMIN PAUSE BALANCE;\n"},
    {"ADMIN PAUSE BALANCE ALL FOR 31d",
     "invalid 1:29: 31d is too short or too long\n"
     "  ADMIN PAUSE BALANCE ALL FOR 31d\n"
     "                              ^~~\n"
     "it must be 1s to 30d\n"},
    {"ADMIN PAUSE BALANCE ALL FOR 30",
     "syntax 1:29: expected a duration (90s, 30m, 2h, 1d), found 30\n"
     "  ADMIN PAUSE BALANCE ALL FOR 30\n"
     "                              ^~\n"
     "HELP ADMIN PAUSE BALANCE ALL FOR;\n"},
    {"CREATE TABLE t (KEY 1) PARTITION (a,b,c,d,e) BUCKETS 16384",
     "invalid 1:1: these are 81920 tablets, and one statement takes 65536\n"
     "  CREATE TABLE t (KEY 1) PARTITION (a,b,c,d,e) BUCKETS 16384\n"
     "  ^~~~~~\n"
     "take fewer buckets, or add partitions one by one: ALTER TABLE ... ADD PARTITION\n"},
    {"ADMIN CHECK TABLET (0)",
     "invalid 1:21: 0 is no tablet id\n"
     "  ADMIN CHECK TABLET (0)\n"
     "                      ^\n"
     "it must be 1 to 18446744073709551615\n"},
    {R"(LOAD FILE 'C:\dir' INTO t)",
     "syntax 1:14: unknown escape; \\t \\n \\r \\0 \\xNN \\\\ \\' and \\\" exist\n"
     "  LOAD FILE 'C:\\dir' INTO t\n"
     "               ^~\n"
     "HELP LOAD FILE;\n"},
  };
  for (const auto& r : table)
    EXPECT_EQ(complaint(r.text), r.complaint);
}

TEST(Statement, ATooLongStatementIsRefused) {
  const std::string text = "SHOW PROC '" + std::string(statement_bytes_max, '/') + '\'';
  const auto outcome = parse(text);
  EXPECT_EQ(std::get<statement_error>(outcome).code, error_code::resource_exhausted);
}

TEST(Help, ListsAndExplains) {
  const auto list = std::get<table_value>(help({{"show"}}));
  EXPECT_EQ(list.rows.size(), 14u);
  EXPECT_EQ(list.rows[0], (cell_row{std::string{"SHOW DATABASES"}, std::string{"Lists databases by name."}}));
  const auto one = std::get<table_value>(help({{"Show", "Backends"}}));
  ASSERT_EQ(one.rows.size(), 6u);
  EXPECT_EQ(one.rows[3][1], (cell{std::string{
    "BackendId, Cluster, IP, HostName, HeartbeatPort, BePort, HttpPort, BrpcPort, LastStartTime, LastHeartbeat, Alive, "
    "SystemDecommissioned, ClusterDecommissioned, TabletNum, DataUsedCapacity, AvailCapacity, TotalCapacity, UsedPct, "
    "MaxDiskUsedPct, ErrMsg, Version, Status, Location"}}));
  EXPECT_EQ(std::get<table_value>(help({})).rows.size(), statement_table().size());
  EXPECT_EQ(std::get<table_value>(help({{"ALTER", "SYSTEM", "CANCEL", "DECOMMISSION"}})).rows[0][0], cell{std::string{"Synopsis"}});
  const auto partitions = std::get<table_value>(help({{"ALTER", "TABLE", "ADD", "PARTITION"}}));
  EXPECT_EQ(partitions.rows[1][1], (cell{std::string{"Adds an empty partition with as many buckets as the table's others."}}));
  EXPECT_EQ(std::get<table_value>(help({{"ALTER", "TABLE"}})).rows.size(), 4u);
  EXPECT_EQ(std::get<table_value>(help({{"PLAN", "REBALANCE"}})).rows.size(), 2u) << "with and without SAVE AS";
  const auto none = std::get<statement_error>(help({{"SHWO", "BACKENDS"}}));
  EXPECT_EQ(none.code, error_code::not_found);
  EXPECT_EQ(none.hint, "did you mean HELP SHOW BACKENDS?");
}

} // namespace
} // namespace tabletd::model
