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
   "CREATE TABLE [IF NOT EXISTS] <table> ( KEY <column> ) BUCKETS <buckets> [PROPERTIES ( <property>, ... )]",
   "Creates a table and a replica of every tablet on as many backends as wanted.",
   "Rows are lines of bytes. KEY is the 1-based number of the column whose bytes decide a row's tablet; "
   "BUCKETS is the number of tablets (1 to 16384), for ever. Properties: \"replication_num\" (1 to 32, "
   "default 3), \"column_separator\" (one byte, default a tab; \"\\t\" and \"\\x01\" are understood). The "
   "statement returns when every backend has created its replicas, or after ten seconds with a warning that "
   "names those that have not: they are created later.",
   R"(CREATE TABLE shop.orders (KEY 1) BUCKETS 8 PROPERTIES("replication_num"="3", "column_separator"=";"))",
   {}, writes},
  {"drop_table", "DROP TABLE [IF EXISTS] <table>", "Drops a table and every replica of its tablets.",
   "The rows are gone for good; backends delete the files when they next report.",
   "DROP TABLE IF EXISTS shop.orders", {}, writes, dangerous},
  {"use_database", "USE <database>", "Sets the database that table names without one belong to.",
   "Holds for this session.", "USE shop", {}, reads},
  {"add_backends", "ALTER SYSTEM ADD BACKEND <address>, ...", "Adds storage backends to the cluster.",
   "An address is \"host:port\" of the backend's RPC port. A backend counts as alive once the leader has "
   "reached it; see SHOW BACKENDS.",
   R"(ALTER SYSTEM ADD BACKEND "10.0.0.1:9060", "10.0.0.2:9060")", {}, writes},
  {"drop_backend", "ALTER SYSTEM DROP BACKEND <address>", "Removes a backend that holds no replicas.",
   "Refused while the catalog keeps a replica there: ALTER SYSTEM DECOMMISSION BACKEND moves them away first.",
   R"(ALTER SYSTEM DROP BACKEND "10.0.0.1:9060")", {}, writes, dangerous},
  {"decommission_backend", "ALTER SYSTEM [CANCEL] DECOMMISSION BACKEND <address>",
   "Moves every replica off a backend, or calls that off.",
   "Refused if fewer backends would remain than a table wants replicas. TabletNum of SHOW BACKENDS falls; at 0 "
   "the leader drops the backend by itself. CANCEL keeps what is still there.",
   R"(ALTER SYSTEM DECOMMISSION BACKEND "10.0.0.1:9060")", {}, writes},
  {"load", "LOAD FILE <path> INTO <table> [LABEL <label>]", "Loads the lines of a file of the client.",
   "All or nothing: the rows become visible together, as one version, once a majority of the replicas of every "
   "tablet has them on disk. A label (1 to 128 of A-Z a-z 0-9 _ - . :) makes a load happen at most once: a label "
   "that was committed in the last three days answers at once and loads nothing.",
   "LOAD FILE '/tmp/orders.csv' INTO shop.orders LABEL 'orders-2024-11-24'", {}, writes},
  {"export", "EXPORT TABLE <table> TO <path>", "Writes all rows of a table to a file of the client.",
   "A snapshot: the rows of the version that is visible when the statement starts. Their order is not that of "
   "the files that were loaded.",
   "EXPORT TABLE shop.orders TO '/tmp/orders.out'", {}, reads},
  {"show_databases", "SHOW DATABASES", "Lists databases by name.", "", "SHOW DATABASES", columns::databases, reads},
  {"show_tables", "SHOW TABLES [FROM <database>]", "Lists the tables of a database by name.",
   "Without FROM: of the session's database, see USE.", "SHOW TABLES FROM shop", columns::tables, reads},
  {"show_backends", "SHOW BACKENDS", "One row per backend: liveness, replicas, disk space.",
   "Alive is what the edit log says, ErrMsg why a backend is not linked now. The ports HeartbeatPort, BePort and "
   "BrpcPort are the same one: a backend has one RPC port. Cluster is the name of this cluster and "
   "ClusterDecommissioned always false.",
   "SHOW BACKENDS", columns::backends, reads},
  {"show_frontends", "SHOW FRONTENDS", "One row per front end: role and journal position.", "", "SHOW FRONTENDS",
   columns::frontends, reads},
  {"show_tablet", "SHOW TABLET <tablet>", "Says which table a tablet belongs to.",
   "DetailCmd is the statement that shows its replicas. IsSync: the replicas agree with the catalog, that is, the "
   "tablet is healthy.",
   "SHOW TABLET 10005", columns::tablet_location, reads},
  {"show_tablets", "SHOW {TABLETS|TABLET} FROM <table>", "One row per replica of a table.",
   "Version is the highest version with none missing below it, LstFailedVersion the last one the replica missed "
   "(-1: none). Columns named ...Hash, SchemaHash, CheckVersion, VersionCount, MetaUrl and CompactionStatus are "
   "kept for their readers and have no meaning here: 0, -1 or empty.",
   "SHOW TABLETS FROM shop.orders", columns::table_replicas, reads},
  {"show_proc", "SHOW PROC <proc>", "Shows a page of the tree of internal state.",
   "SHOW PROC '/' lists the pages; the columns depend on the page.", "SHOW PROC '/statistic'", {}, reads},
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
