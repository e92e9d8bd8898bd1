// What operators have set, and the groups their tables form: settings, hints, colocation.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/view_columns.h"
#include <algorithm>

namespace tabletd::views {

namespace {

using namespace model;

template <class Ids>
std::string id_list(const Ids& ids) {
  std::string out;
  for (const auto one : ids)
    out += (out.empty() ? "" : ", ") + std::to_string(raw(one));
  return out;
}

/// LIKE: % is any text, _ any one character; ASCII case does not count.
bool like(std::string_view text, std::string_view pattern) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos; // The last % and the text it took so far.
  std::size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && (pattern[p] == '_' || lower(pattern[p]) == lower(text[t]))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%', p) == std::string_view::npos;
}

/// The sick tablets of a group in words; empty: it is stable.
std::string sick_tablets(const colocate_group& group, const catalog& cat, const statistics& counts) {
  constexpr std::size_t named_max = 3;
  std::size_t sick = 0;
  std::string names;
  if (const auto* of = counts.databases().find(group.database))
    of->unhealthy.for_each([&](tablet_id id, std::uint8_t) {
      if (std::find(group.tables.begin(), group.tables.end(), cat.tablets.find(id)->table) == group.tables.end())
        return;
      if (sick++ < named_max)
        names += (names.empty() ? "" : ", ") + std::to_string(raw(id));
    });
  if (sick == 0)
    return {};
  return std::to_string(sick) + (sick == 1 ? " tablet is" : " tablets are") + " not healthy: " + names
         + (sick > named_max ? ", ..." : "");
}

} // namespace

table_value show_config(const sources& from, std::string_view pattern) {
  auto out = empty_table(columns::config);
  const auto now = effective(from.cat, from.startup_config);
  for (const auto& key : config_keys()) {
    if (!pattern.empty() && !like(key.key, pattern) && !like(key.alias, pattern))
      continue;
    const std::string unit = key.unit.empty() ? "" : " (" + std::string{key.unit} + ')';
    out.rows.push_back({text(key.key), text(key.alias), text(value_of(key, now)), text(type_name(key)), key.is_mutable,
                        text(std::string{key.comment} + unit)});
  }
  return out;
}

table_value priority_repair(const sources& from) {
  auto out = empty_table(columns::priority_repair);
  if (from.cat.hints.empty())
    return out;
  from.cat.tables.for_each([&](table_id of, const table& t) {
    for (const auto& part : t.partitions)
      if (const auto* until = from.cat.hints.find(part.id))
        out.rows.push_back({id(t.database), id(of), id(part.id),
                            number(*until > from.now ? static_cast<std::uint64_t>((*until - from.now).count()) : 0)});
  });
  return out;
}

table_value colocation_groups(const sources& from) {
  auto out = empty_table(columns::colocation_groups);
  from.statistics.read(from.cat, [&](const statistics& counts) {
    from.cat.colocate_groups.for_each([&](colocate_group_id, const colocate_group& g) {
      const auto why = sick_tablets(g, from.cat, counts);
      out.rows.push_back({id(g.id), text(from.cat.databases.find(g.database)->name + '.' + g.name),
                          text(id_list(g.tables)), number(g.sequence.size()), number(g.replication_num),
                          text("KEY " + std::to_string(from.cat.tables.find(g.tables.front())->key_column)),
                          why.empty(), text(why)});
    });
  });
  return out;
}

table_value colocation_group(const colocate_group& of) {
  auto out = empty_table(columns::colocation_group);
  for (std::size_t bucket = 0; bucket < of.sequence.size(); ++bucket)
    out.rows.push_back({number(bucket), text(id_list(of.sequence[bucket]))});
  return out;
}

} // namespace tabletd::views
