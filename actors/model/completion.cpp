#include "actors/model/completion.h"
#include "actors/model/plan_rules.h"
#include "actors/model/proc_path.h"
#include "actors/model/resource_rules.h"
#include "actors/model/statement.h"
#include "actors/model/statement_grammar.h"
#include "actors/model/statement_lexer.h"
#include "actors/model/statement_slots.h"
#include <algorithm>
#include <span>

namespace tabletd::model {

namespace {

bool begins_with_word(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && same_word(text.substr(0, prefix.size()), prefix);
}

/// The text before the cursor, with the token the cursor touches cut off.
struct typed {
  std::vector<token> tokens; ///< Whole ones, and the end.
  std::string_view rest;     ///< What is being typed now; begins with its quote if it has one.
  std::uint32_t rest_from{};
};

typed cut(std::string_view before) {
  typed out{tokenize(before), {}, static_cast<std::uint32_t>(before.size())};
  if (out.tokens.size() < 2)
    return out;
  const auto& last = out.tokens[out.tokens.size() - 2];
  const bool touches = last.offset + last.length == before.size();
  const bool open_quote = last.kind == token_kind::broken && last.offset < before.size()
                          && std::string_view{"'\"`"}.find(before[last.offset]) != std::string_view::npos;
  // A closed string needs nothing more; an open one goes on until the cursor.
  if (!open_quote && !(touches && (last.kind == token_kind::word || last.kind == token_kind::number)))
    return out;
  out.rest_from = last.offset;
  out.rest = before.substr(last.offset);
  out.tokens.erase(out.tokens.end() - 2);
  return out;
}

class collector {
public:
  collector(completion& into, const catalog& cat, std::string_view database)
    : into_(into), cat_(cat), database_(database) {}

  void keyword(std::string_view word, std::string_view rest) {
    if (begins_with_word(word, rest) && word != "(" && word != ")" && word != "," && word != "." && word != "="
        && word != "!=")
      add({std::string{word}, "keyword", {}});
  }

  /// `before`: the tokens in front of the slot.
  void partitions(std::span<const token> before, std::string_view rest) {
    const auto* of = table_before_partition(before);
    if (of)
      for (const auto& part : of->partitions)
        if (part.name.starts_with(rest))
          add({part.name, "partition", "of " + of->name});
  }

  /// What a property may be worth, by its key.
  void values(std::string_view key, std::string_view rest) {
    if (key == "storage_policy")
      for_each_policy([&](const storage_policy& p) { in_quotes(p.name, rest, "policy", {}); });
    else if (key == "storage_resource")
      for_each_resource([&](const resource& r) { in_quotes(r.name, rest, "resource", std::string{name(r.type)}); });
    else
      for (const auto word : words_of_warmup_property(key))
        in_quotes(std::string{word}, rest, "value", {});
  }

  void fill(slot what, std::string_view rest) {
    switch (what) {
      case slot::database: return databases(rest);
      case slot::table: return tables(rest);
      case slot::cluster: return clusters(rest);
      case slot::resource:
        return for_each_resource([&](const resource& r) { by_prefix(r.name, rest, "resource", std::string{name(r.type)}); });
      case slot::storage_policy:
        return for_each_policy([&](const storage_policy& p) { by_prefix(p.name, rest, "policy", {}); });
      case slot::address: return addresses(rest);
      case slot::proc: return pages(rest);
      case slot::table_property:
      case slot::partition_property:
      case slot::table_setting:
      case slot::resource_property:
      case slot::policy_property:
      case slot::backend_property:
      case slot::replica_property:
      case slot::check_property:
      case slot::warmup_property:
      case slot::config: return properties(what, rest);
      case slot::status: return statuses(rest);
      case slot::plan: return plans(rest);
      default: return; // Numbers, files, labels: nothing we could know.
    }
  }

private:
  /// The table whose partitions are meant: its name stands before PARTITION, or before ADD, DROP or
  /// MODIFY PARTITION.
  const table* table_before_partition(std::span<const token> before) const {
    auto at = before.size();
    while (at > 0 && !same_word(before[at - 1].text, "PARTITION"))
      --at;
    const auto is_verb = [](const token& t) { return same_word(t.text, "DROP") || same_word(t.text, "MODIFY"); };
    at -= at > 0 ? 1 : 0;
    at -= at > 0 && is_verb(before[at - 1]) ? 1 : 0;
    if (at == 0)
      return nullptr;
    const bool dotted = at >= 3 && before[at - 2].text == ".";
    const auto* db = cat_.find_database(dotted ? std::string_view{before[at - 3].text} : database_);
    return db ? cat_.find_table(db->id, before[at - 1].text) : nullptr;
  }

  template <class Visit>
  void for_each_resource(Visit&& visit) {
    cat_.resources.for_each([&](resource_id, const resource& r) { visit(r); });
  }
  template <class Visit>
  void for_each_policy(Visit&& visit) {
    cat_.storage_policies.for_each([&](storage_policy_id, const storage_policy& p) { visit(p); });
  }
  void by_prefix(const std::string& named, std::string_view rest, const char* kind, std::string help) {
    if (named.starts_with(rest))
      add({named, kind, std::move(help)});
  }

  void databases(std::string_view rest) {
    cat_.databases.for_each([&](database_id, const database& d) {
      if (d.name.starts_with(rest))
        add({d.name, "database", {}});
    });
  }

  void clusters(std::string_view rest) {
    cat_.backends.for_each([&](backend_id, const backend& b) { by_prefix(b.cluster, rest, "cluster", {}); });
  }

  /// Tables of the session's database by their short name, all by their full one.
  void tables(std::string_view rest) {
    cat_.tables.for_each([&](table_id, const table& t) {
      const auto& owner = cat_.databases.find(t.database)->name;
      const auto full = owner + '.' + t.name;
      if (owner == database_ && t.name.starts_with(rest))
        add({t.name, "table", "of " + owner});
      else if (full.starts_with(rest))
        add({full, "table", {}});
      return into_.candidates.size() < candidates_max;
    });
  }

  void addresses(std::string_view rest) {
    cat_.backends.for_each([&](backend_id id, const backend& b) {
      in_quotes(to_string(backend_address{b.host, b.port}), rest, "backend",
                std::string{b.alive ? "alive" : "down"} + ", id " + std::to_string(raw(id)));
    });
  }

  void properties(slot what, std::string_view rest) {
    for (const auto& one : properties_of(what))
      in_quotes(std::string{one.key}, rest, "value", std::string{one.help});
  }

  void statuses(std::string_view rest) {
    for (std::size_t i = 0; i < replica_status_count; ++i)
      in_quotes(std::string{name(static_cast<replica_status>(i))}, rest, "value", {});
  }

  void plans(std::string_view rest) {
    for (const auto& [plan_name, plan] : cat_.plans.all())
      in_quotes(plan_name, rest, "plan", std::string{name(plan.kind)} + ", " + std::string{name(plan.state)});
  }

  /// The pages below the deepest directory that has been typed.
  void pages(std::string_view rest) {
    const auto path = rest.empty() ? rest : rest.substr(1);
    const auto directory = path.substr(0, path.rfind('/') + 1); // npos + 1 is 0.
    const auto found = find_proc(directory, cat_);
    const auto* at = std::get_if<proc_target>(&found);
    if (!at)
      return;
    for (const auto& name : below_proc(*at, cat_, candidates_max))
      in_quotes((directory.empty() ? "/" : std::string{directory}) + name, rest, "page", {});
  }

  void in_quotes(const std::string& text, std::string_view rest, const char* kind, std::string help) {
    const char quote = rest.empty() ? (std::string_view{kind} == "page" ? '\'' : '"') : rest.front();
    const auto prefix = rest.empty() ? rest : rest.substr(1);
    if ((quote == '"' || quote == '\'') && text.starts_with(prefix))
      add({quote + text + quote, kind, std::move(help)});
  }

  void add(candidate one) {
    auto& list = into_.candidates;
    if (list.size() < candidates_max && std::find(list.begin(), list.end(), one) == list.end())
      list.push_back(std::move(one));
  }

  completion& into_;
  const catalog& cat_;
  std::string_view database_;
};

} // namespace

completion complete(std::string_view text, std::size_t cursor, const catalog& cat, std::string_view database) {
  const auto before = text.substr(0, std::min({cursor, text.size(), statement_bytes_max}));
  const auto now = cut(before);
  completion out{now.rest_from, {}};
  const auto outcome = match_every_form(now.tokens);
  if (outcome.reached.at + 1 != now.tokens.size())
    return out; // Something before the cursor is wrong already: nothing helps.
  collector into{out, cat, database};
  for (const auto& expected : outcome.reached.expected) {
    if (!expected.word.empty())
      into.keyword(expected.word, now.rest);
    if (!expected.what)
      continue;
    if (*expected.what == slot::partition) {
      into.partitions(std::span{now.tokens}.first(expected.slot_first), now.rest);
      continue;
    }
    if (*expected.what == slot::property_value && expected.slot_first >= 2) {
      into.values(now.tokens[expected.slot_first - 2].text, now.rest); // "key" =
      continue;
    }
    // A dotted name spans tokens: it is replaced from where it begins.
    const auto& first = now.tokens[expected.slot_first];
    if (first.kind != token_kind::end) {
      out.replace_from = first.offset;
      into.fill(*expected.what, before.substr(first.offset));
    } else {
      into.fill(*expected.what, now.rest);
    }
  }
  std::stable_sort(out.candidates.begin(), out.candidates.end(), [](const candidate& a, const candidate& b) {
    return a.kind == "keyword" && b.kind != "keyword" ? false
           : a.kind != "keyword" && b.kind == "keyword" ? true
                                                        : a.text < b.text;
  });
  return out;
}

} // namespace tabletd::model
