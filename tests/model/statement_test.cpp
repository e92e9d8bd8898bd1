// The statement language: what parses, what it prints as, and how a mistake is pointed at.
#include "actors/model/statement.h"
#include "actors/model/statement_lexer.h"
#include "actors/model/statement_table.h"
#include <gtest/gtest.h>
#include <algorithm>
#include <random>

namespace tabletd::model {
namespace {

statement parsed(std::string_view text) {
  auto outcome = parse(text);
  if (const auto* error = std::get_if<statement_error>(&outcome)) {
    ADD_FAILURE() << text << ": " << error->message;
    return show_backends{};
  }
  return std::get<statement>(std::move(outcome));
}

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
    EXPECT_EQ(shows || explains || plans, !row.columns.empty()) << "a table has columns";
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
                                                    "add_partition", "drop_partition", "modify_partition", "add_backends",
                                                    "drop_backend", "modify_backend", "decommission_backend", "load",
                                                    "repair_table", "set_replica_status", "set_config", "pause_balance",
                                                    "resume_balance", "rebalance_disk", "check_tablets"}));
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
            (statement{modify_partition{{"", "t"}, "p", std::nullopt}}));
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
     "syntax 1:6: expected DATABASES, TABLES, BACKENDS, FRONTENDS, TABLET, TABLETS, PROC or REPAIR, found BACKNDS\n"
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
     "syntax 1:24: expected the end of the statement, found x\n"
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
     "syntax 1:1: expected CREATE, DROP, ALTER, USE, LOAD, EXPORT, SHOW, EXPLAIN, PLAN, ADMIN or HELP, found the end of the statement\n"
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
  EXPECT_EQ(list.rows.size(), 8u);
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
  EXPECT_EQ(std::get<table_value>(help({{"ALTER", "TABLE"}})).rows.size(), 3u);
  const auto none = std::get<statement_error>(help({{"SHWO", "BACKENDS"}}));
  EXPECT_EQ(none.code, error_code::not_found);
  EXPECT_EQ(none.hint, "did you mean HELP SHOW BACKENDS?");
}

// -- properties ------------------------------------------------------------------------

/// Draws statements a parser could have returned, odd names and bytes included.
class statement_dice {
public:
  explicit statement_dice(std::uint64_t seed) : dice_(seed) {}

  statement roll() {
    const auto which = number(0, std::variant_size_v<statement> - 1);
    return which < 21 ? roll_data(which) : roll_admin(which);
  }

  std::uint64_t number(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>{least, most}(dice_);
  }
  char byte() { return static_cast<char>(number(0, 255)); }

private:
  statement roll_data(std::uint64_t which) {
    switch (which) {
      case 0: return create_database{name(), coin()};
      case 1: return drop_database{name(), coin()};
      case 2: return create_table{table(), coin(), static_cast<std::uint32_t>(number(1, UINT32_MAX)),
                                  static_cast<std::uint32_t>(number(1, buckets_max)),
                                  static_cast<std::uint32_t>(number(1, replication_num_max)), separator(), partitions(),
                                  where(), coin() ? "" : name(), coin() ? "" : name()};
      case 3: return drop_table{table(), coin()};
      case 4: return add_partition{table(), name(), where()};
      case 5: return drop_partition{table(), name()};
      case 6: return modify_partition{table(), name(), where()};
      case 7: return use_database{name()};
      case 8: return add_backends{addresses(1), coin() ? "" : name(), coin() ? "" : location()};
      case 9: return drop_backend{address()};
      case 10: return modify_backend{address(), coin() ? std::optional{name()} : std::nullopt, coin() ? location() : ""};
      case 11: return decommission_backend{address(), coin()};
      case 12: return load_file{path(), table(), coin() ? "" : label(), coin() ? "" : name()};
      case 13: return export_table{table(), path(), partitions()};
      case 14: return show_databases{};
      case 15: return show_tables{coin() ? "" : name()};
      case 16: return show_backends{};
      case 17: return show_frontends{};
      case 18: return show_tablet{number(1, UINT64_MAX)};
      case 19: return show_tablets{table(), partitions()};
      default: return show_proc{path()};
    }
  }
  statement roll_admin(std::uint64_t which) {
    switch (which) {
      case 21: return explain_tablet{number(1, UINT64_MAX)};
      case 22: return diagnose_tablet{number(1, UINT64_MAX)};
      case 23: return show_repair_history{coin() ? 0 : number(1, UINT64_MAX)};
      case 24: {
        const replica_status_filter filter{static_cast<replica_status>(number(0, replica_status_count - 1)), coin()};
        return show_replica_status{table(), partitions(), coin() ? std::optional{filter} : std::nullopt};
      }
      case 25: return show_replica_distribution{table(), partitions()};
      case 26: return repair_table{table(), partitions(), coin()};
      case 27: return set_replica_status{number(1, UINT64_MAX), number(1, UINT64_MAX), coin()};
      case 28: return coin() ? set_config{{{"disable_balance", coin() ? "true" : ""}}}
                             : set_config{{{"balance_load_score_threshold", "0.25"}, {"schedule_slot_num_per_path", "7"}}};
      case 29: return show_config{coin() ? "" : path()};
      case 30: return pause_balance{scope(), std::chrono::seconds(number(1, 2'592'000)), coin() ? "" : path()};
      case 31: return resume_balance{scope()};
      case 32: return rebalance_disk{addresses(0), coin()};
      case 33: {
        check_tablets out;
        for (auto n = number(1, 3); n > 0; --n)
          out.tablets.push_back(number(1, UINT64_MAX));
        return out;
      }
      default: {
        help_words out;
        for (auto n = number(0, 3); n > 0; --n)
          out.words.push_back(word());
        return out;
      }
    }
  }

  bool coin() { return number(0, 1) == 1; }
  std::string of(std::string_view alphabet, std::uint64_t least, std::uint64_t most) {
    std::string out;
    for (auto n = number(least, most); n > 0; --n)
      out += alphabet[number(0, alphabet.size() - 1)];
    return out;
  }
  std::string word() { return of("SHOWtables_", 1, 6); }
  std::string name() {
    const std::string keywords[] = {"IF", "from", "Table", "KEY", "TABLETS"};
    return coin() ? keywords[number(0, 4)] : of("abcXYZ_", 1, 1) + of("abcXYZ_09-", 0, 63);
  }
  table_name table() { return {coin() ? "" : name(), name()}; }
  std::string label() { return of("aZ09_-.:", 1, 128); }
  backend_address address() {
    return {coin() ? of("abc-.09", 1, 12) : of("0123456789abcdef", 1, 4) + "::" + of("1f", 1, 3),
            static_cast<std::uint16_t>(number(1, 65'535))};
  }
  std::vector<backend_address> addresses(std::uint64_t least) {
    std::vector<backend_address> out;
    for (auto n = number(least, 3); n > 0; --n)
      out.push_back(address());
    return out;
  }
  std::string location() { return of("abc", 1, 4) + ':' + of("abc.1-", 1, 8); }
  std::optional<medium> where() {
    const auto n = number(0, 2);
    return n == 0 ? std::nullopt : std::optional{n == 1 ? medium::hdd : medium::ssd};
  }
  partition_names partitions() {
    partition_names out;
    for (auto n = number(0, 3); n > 0; --n)
      out.push_back(name());
    for (auto& one : out)
      one.resize(std::min(one.size(), name_bytes_max - 1));
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] += std::to_string(i); // Each name once.
    return out;
  }
  balance_scope scope() {
    const auto n = number(0, 2);
    return n == 0 ? balance_scope{} : n == 1 ? balance_scope{table()} : balance_scope{address()};
  }
  char separator() {
    const char c = byte();
    return c == '\n' ? ';' : c;
  }
  std::string path() {
    std::string out;
    for (auto n = number(1, 12); n > 0; --n)
      if (const char c = byte(); c != '\0')
        out += c;
    return out.empty() ? "/" : out;
  }

  std::mt19937_64 dice_;
};

TEST(Statement, PrintedItParsesToTheSame) {
  statement_dice dice{20241124};
  for (int i = 0; i < 50'000; ++i) {
    const auto what = dice.roll();
    const auto text = print(what);
    const auto again = parse(text);
    ASSERT_TRUE(std::holds_alternative<statement>(again)) << text << ": " << std::get<statement_error>(again).message;
    ASSERT_EQ(std::get<statement>(again), what) << text;
    ASSERT_EQ(print(std::get<statement>(again)), text);
  }
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// Cuts, doubles, swaps, inserts; sometimes pieces of other statements.
std::string mutated(statement_dice& dice, std::string text) {
  static constexpr std::string_view pieces[] = {"'", "\"", "`", "\\", "/*", "*/", "--", "\n", "(", ")", ",", ";", ".", "=",
                                                "\\x", "\\x0", "IF", "NOT", "EXISTS", "FROM", "0", "18446744073709551616",
                                                "数", "\xff", "\xe6\x95"};
  for (auto n = dice.number(1, 4); n > 0; --n) {
    const auto at = dice.number(0, text.size());
    switch (dice.number(0, 5)) {
      case 0: text.erase(at, dice.number(1, 5)); break;
      case 1: text.insert(at, 1, dice.byte()); break;
      case 2: text.insert(at, pieces[dice.number(0, std::size(pieces) - 1)]); break;
      case 3: text.insert(at, text.substr(dice.number(0, text.size()), dice.number(1, 12))); break;
      case 4: text.resize(at); break;
      default:
        if (at < text.size())
          text[at] = dice.byte();
    }
  }
  return text;
}

TEST(Statement, NoBytesBreakIt) {
  statement_dice dice{7};
  std::size_t good = 0;
  std::size_t bad = 0;
  for (int i = 0; i < 250'000; ++i) {
    std::string text;
    if (i % 50 == 0)
      for (auto n = dice.number(0, 40); n > 0; --n)
        text += dice.byte();
    else
      text = mutated(dice, print(dice.roll()));
    const auto outcome = parse(text);
    if (const auto* error = std::get_if<statement_error>(&outcome)) {
      ++bad;
      ASSERT_FALSE(error->message.empty()) << text;
      ASSERT_TRUE(printable(error->message) && printable(error->hint)) << error->message;
      ASSERT_LE(error->at.offset + error->at.length, text.size()) << text;
      ASSERT_GE(error->at.line, 1u);
      ASSERT_GE(error->at.column, 1u);
    } else {
      ++good;
      const auto& what = std::get<statement>(outcome);
      const auto again = parse(print(what));
      ASSERT_TRUE(std::holds_alternative<statement>(again)) << text << "\n" << print(what);
      ASSERT_EQ(std::get<statement>(again), what) << text;
    }
  }
  // The mutations must reach both sides of the parser, or the test proves nothing.
  EXPECT_GT(good, 10'000u);
  EXPECT_GT(bad, 100'000u);
}

TEST(Statement, DeepAndLongTextTakesLinearTime) {
  for (const std::string_view piece : {"(", "'", "\"a\",", "a.", "/*", "--\n", "`", "\\", ";", "IF NOT "}) {
    std::string text = "ALTER SYSTEM ADD BACKEND ";
    while (text.size() + piece.size() <= statement_bytes_max)
      text += piece;
    EXPECT_TRUE(std::holds_alternative<statement_error>(parse(text)));
  }
}

} // namespace
} // namespace tabletd::model
