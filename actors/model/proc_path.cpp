#include "actors/model/proc_path.h"
#include "actors/model/load_score.h"
#include "actors/model/nearest.h"
#include "actors/model/statement_lexer.h"
#include "actors/model/view_columns.h"
#include <algorithm>
#include <array>
#include <charconv>

namespace tabletd::model {

namespace {

constexpr std::array<proc_row, 32> rows{{
  {proc_page::root, "/", "The pages of this tree.", columns::proc_names},
  {proc_page::actors, "/actors", "Supervised actors: state, restarts, last error.", columns::actors},
  {proc_page::backends, "/backends", "As SHOW BACKENDS.", columns::backends},
  {proc_page::backend, "/backends/<backend>", "The disks of a backend.", columns::backend_paths},
  {proc_page::checkpoint, "/checkpoint", "Images of the catalog: who has which, the attempt under way, what may be deleted.",
   columns::item_values},
  {proc_page::cluster_balance, "/cluster_balance", "Sizes of the scheduler's lists.", columns::balance_items},
  {proc_page::balance_pauses, "/cluster_balance/balance_pauses", "Where ADMIN PAUSE BALANCE holds, and until when.",
   columns::balance_pauses},
  {proc_page::cluster_load_stat, "/cluster_balance/cluster_load_stat", "The media whose load is balanced.",
   columns::load_media},
  {proc_page::cluster_load_stat_medium, "/cluster_balance/cluster_load_stat/<medium>",
   "How loaded each backend is on a medium.", columns::load_statistic},
  {proc_page::cluster_load_stat_backend, "/cluster_balance/cluster_load_stat/<medium>/<backend>",
   "The disks of a backend of that medium.", columns::backend_paths},
  {proc_page::history_tablets, "/cluster_balance/history_tablets", "Tablet tasks that ended, newest first.",
   columns::scheduled_tablets},
  {proc_page::pending_tablets, "/cluster_balance/pending_tablets", "Tablets that wait to be scheduled.",
   columns::scheduled_tablets},
  {proc_page::priority_repair, "/cluster_balance/priority_repair",
   "Partitions that ADMIN REPAIR TABLE has made urgent.", columns::priority_repair},
  {proc_page::running_tablets, "/cluster_balance/running_tablets", "Tablets being repaired now.",
   columns::scheduled_tablets},
  {proc_page::sched_stat, "/cluster_balance/sched_stat", "Counters since this leader began.", columns::item_values},
  {proc_page::working_slots, "/cluster_balance/working_slots", "Clone slots per disk.", columns::working_slots},
  {proc_page::colocation_groups, "/colocation_group", "Groups of tables whose buckets lie alike.",
   columns::colocation_groups},
  {proc_page::colocation_group, "/colocation_group/<group>", "Where each bucket of a group belongs.",
   columns::colocation_group},
  {proc_page::cooldown, "/cooldown", "Tablets that cool: who uploads, how far it is, why it is stuck.", columns::cooldown},
  {proc_page::databases, "/dbs", "Databases.", columns::proc_databases},
  {proc_page::database, "/dbs/<db>", "Tables of a database.", columns::proc_tables},
  {proc_page::table, "/dbs/<db>/<table>", "What a table has.", columns::proc_nodes},
  {proc_page::partitions, "/dbs/<db>/<table>/partitions", "Partitions of a table.", columns::proc_partitions},
  {proc_page::partition, "/dbs/<db>/<table>/partitions/<partition>", "Indexes of a partition.",
   columns::proc_indexes},
  {proc_page::index, "/dbs/<db>/<table>/partitions/<partition>/<index>", "As SHOW TABLETS FROM, of one index.",
   columns::table_replicas},
  {proc_page::tablet, "/dbs/<db>/<table>/partitions/<partition>/<index>/<tablet>", "Replicas of a tablet.",
   columns::tablet_replicas},
  {proc_page::frontends, "/frontends", "As SHOW FRONTENDS.", columns::frontends},
  {proc_page::journal, "/journal", "The edit log of this front end.", columns::item_values},
  {proc_page::statistic, "/statistic", "Counts and sick tablets per database.", columns::statistic},
  {proc_page::statistic_database, "/statistic/<db>", "Ids of the sick tablets of a database.",
   columns::database_statistic},
  {proc_page::warm_up, "/warm_up", "As SHOW WARM UP JOB.", columns::warm_up_jobs},
  {proc_page::warm_up_job, "/warm_up/<job>", "How far each backend is in the round of a warm-up job that runs or ran last.",
   columns::warm_up_lanes},
}};

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0)
      parts.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::uint64_t id_in(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
  return failure == std::errc{} && end == text.data() + text.size() ? id : 0;
}

std::string pattern_name(std::string_view pattern) {
  return std::string{pattern.substr(pattern.rfind('/') + 1)};
}

/// The page directly below `at` whose last part is `name`; a pattern part accepts anything.
const proc_row* child(const proc_row& at, std::string_view name) {
  const std::string prefix = at.page == proc_page::root ? "/" : std::string{at.pattern} + '/';
  for (const auto& row : rows) {
    if (!row.pattern.starts_with(prefix) || row.pattern.size() == prefix.size())
      continue;
    const auto last = row.pattern.substr(prefix.size());
    if (last.find('/') == std::string_view::npos && (last == name || last.starts_with('<')))
      return &row;
  }
  return nullptr;
}

const database* database_in(const catalog& cat, std::string_view text) {
  const auto id = id_in(text);
  return id != 0 ? cat.databases.find(database_id{id}) : cat.find_database(text);
}

/// Fills in the object that the last part of the page's pattern names; false if there is none.
bool bind(proc_target& at, std::string_view part, const catalog& cat) {
  const auto* owner = cat.tables.find(at.table);
  switch (at.page) {
    case proc_page::cluster_load_stat_medium:
      at.medium = same_word(part, name(medium::ssd)) ? medium::ssd : medium::hdd;
      return same_word(part, name(at.medium));
    case proc_page::cluster_load_stat_backend:
    case proc_page::backend:
      at.backend = backend_id{id_in(part)};
      return cat.backends.contains(at.backend);
    case proc_page::colocation_group:
      at.group = colocate_group_id{id_in(part)};
      return cat.colocate_groups.contains(at.group);
    case proc_page::database:
    case proc_page::statistic_database: {
      const auto* found = database_in(cat, part);
      at.database = found ? found->id : database_id{};
      return found != nullptr;
    }
    case proc_page::table: {
      const auto id = id_in(part);
      const auto* found = id != 0 ? cat.tables.find(table_id{id}) : cat.find_table(at.database, part);
      at.table = found ? found->id : table_id{};
      return found != nullptr && found->database == at.database;
    }
    case proc_page::partition: {
      const auto id = id_in(part);
      const auto* found = id != 0 ? owner->find(partition_id{id}) : owner->find(part);
      at.partition = found ? found->id : partition_id{};
      return found != nullptr;
    }
    case proc_page::index: return owner->find(at.partition)->index_id == id_in(part);
    case proc_page::tablet: {
      const auto* found = cat.tablets.find(tablet_id{id_in(part)});
      at.tablet = found ? found->id : tablet_id{};
      return found != nullptr && found->partition == at.partition;
    }
    case proc_page::warm_up_job:
      at.warmup_job = warmup_job_id{id_in(part)};
      return cat.warmup.jobs.contains(at.warmup_job);
    default: return true;
  }
}

statement_error no_such_page(const proc_target& parent, std::string_view parent_path, std::string_view part,
                             const catalog& cat) {
  constexpr std::size_t names_shown = 12;
  const auto names = below_proc(parent, cat, names_shown);
  const auto shown_part = shown({token_kind::word, 0, static_cast<std::uint32_t>(part.size()), {}}, part);
  statement_error error{error_code::not_found, {}, {}, {}, {}, {}, {}};
  error.message = shown_part + " is not below '" + std::string{parent_path.empty() ? "/" : parent_path} + '\'';
  const auto near = nearest(part, names);
  if (!near.empty()) {
    error.hint = "did you mean '" + std::string{parent_path} + '/' + near + "'?";
  } else if (names.empty()) {
    error.hint = "nothing is below that page";
  } else {
    error.hint = "there are: ";
    for (std::size_t i = 0; i < names.size(); ++i)
      error.hint += (i == 0 ? "" : ", ") + names[i];
    error.hint += names.size() == names_shown ? ", ..." : "";
  }
  return error;
}

template <class Map, class Use>
void collect_ids(const Map& map, std::vector<std::string>& into, std::size_t names_max, Use&& use) {
  map.for_each([&](auto id, const auto& object) {
    if (into.size() >= names_max)
      return false;
    if (use(object))
      into.push_back(std::to_string(raw(id)));
    return true;
  });
}

} // namespace

std::span<const proc_row> proc_table() {
  return rows;
}

std::variant<proc_target, statement_error> find_proc(std::string_view path, const catalog& cat) {
  proc_target at;
  std::string walked;
  for (const auto part : split(path)) {
    const auto* next = child(rows[static_cast<std::size_t>(at.page)], part);
    auto inside = at;
    if (next)
      inside.page = next->page;
    if (!next || !bind(inside, part, cat))
      return no_such_page(at, walked, part, cat);
    at = inside;
    walked += '/' + std::string{part};
  }
  return at;
}

std::vector<std::string> below_proc(const proc_target& at, const catalog& cat, std::size_t names_max) {
  std::vector<std::string> names;
  const auto all = [](const auto&) { return true; };
  const auto* owner = cat.tables.find(at.table);
  switch (at.page) {
    case proc_page::cluster_load_stat:
      for (const auto which : media)
        names.emplace_back(name(which));
      break;
    case proc_page::cluster_load_stat_medium:
    case proc_page::backends: collect_ids(cat.backends, names, names_max, all); break;
    case proc_page::colocation_groups: collect_ids(cat.colocate_groups, names, names_max, all); break;
    case proc_page::databases:
    case proc_page::statistic: collect_ids(cat.databases, names, names_max, all); break;
    case proc_page::database:
      collect_ids(cat.tables, names, names_max, [&at](const table& t) { return t.database == at.database; });
      break;
    case proc_page::partitions:
      for (const auto& part : owner->partitions)
        if (names.size() < names_max)
          names.push_back(std::to_string(raw(part.id)));
      break;
    case proc_page::warm_up: collect_ids(cat.warmup.jobs, names, names_max, all); break;
    case proc_page::partition: names.push_back(std::to_string(owner->find(at.partition)->index_id)); break;
    case proc_page::index: {
      const auto& part = *owner->find(at.partition);
      for (std::uint32_t b = 0; b < part.buckets && names.size() < names_max; ++b)
        names.push_back(std::to_string(raw(part.first_tablet) + b));
      break;
    }
    default:
      for (const auto& row : rows) {
        const auto name = pattern_name(row.pattern);
        if (!name.empty() && name.front() != '<' && child(rows[static_cast<std::size_t>(at.page)], name) == &row)
          names.push_back(name);
      }
  }
  return names;
}

} // namespace tabletd::model
