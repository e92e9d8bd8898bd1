#include "node/tabletctl/diagnosis_json.h"
#include "actors/model/explain.h"
#include "actors/model/load_score.h"
#include "node/tabletctl/display.h"
#include <fmt/format.h>
#include <array>

namespace tabletd::ctl {

namespace {

using namespace model;

std::string_view code_of(drop_reason why) {
  switch (why) {
    case drop_reason::backend_dropped: return "BACKEND_DROPPED";
    case drop_reason::bad: return "BAD";
    case drop_reason::backend_unavailable: return "BACKEND_UNAVAILABLE";
    case drop_reason::version_incomplete: return "VERSION_INCOMPLETE";
    case drop_reason::same_host: return "SAME_HOST";
    case drop_reason::highest_load: return "HIGHEST_LOAD";
    case drop_reason::lost: return "LOST";
    case drop_reason::table_dropped: return "TABLE_DROPPED";
    case drop_reason::wrong_cluster: return "WRONG_CLUSTER";
    case drop_reason::moved: return "MOVED";
    case drop_reason::not_in_group: return "NOT_IN_GROUP";
  }
  return "UNKNOWN";
}

std::string json(const place& at) {
  return fmt::format(R"({{"backend": {}, "path": {}}})", raw(at.backend), raw(at.path));
}

std::string decision_json(const decision& d) {
  const auto reason = json_string(sentence(d));
  return std::visit(
    overloaded{
      [](const leave_alone&) { return std::string{"null"}; },
      [&](const clone_move& m) {
        const bool fresh = raw(m.replica) == 0;
        return fmt::format(
          R"({{"kind": "{}", "source": {}, "target": {}, "replica": {}, "version": {}, "reason": {}}})",
          fresh ? "clone" : "fill", json(m.source), json(m.target), fresh ? "null" : fmt::to_string(raw(m.replica)),
          m.version, reason);
      },
      [&](const drop_move& m) {
        return fmt::format(
          R"({{"kind": "drop", "source": null, "target": {}, "replica": {}, "code": "{}", "force": {}, "reason": {}}})",
          json(m.at), raw(m.replica), code_of(m.reason), m.force, reason);
      },
    },
    d.move);
}

std::string blocked_json(const decision& d) {
  if (d.blocked == blocker::none)
    return "null";
  return fmt::format(R"({{"code": "{}", "sentence": {}}})", name(d.blocked), json_string(sentence(d.blocked)));
}

std::string paths_json(const decision& d) {
  std::string out;
  for (const auto& verdict : d.paths)
    out += fmt::format(R"({}
        {{"role": "{}", "backend": {}, "path": {}, "code": "{}", "sentence": {}}})",
                       out.empty() ? "" : ",", verdict.role == path_role::source ? "source" : "target",
                       raw(verdict.at.backend), raw(verdict.at.path), name(verdict.code),
                       json_string(sentence(verdict)));
  return out.empty() ? "[]" : "[" + out + "\n      ]";
}

std::string tablet_json(const table& owner, const partition& part, const tablet& t, const decision& d, bool why) {
  auto out = fmt::format(R"(    {{
      "tablet": {},
      "table": {},
      "partition": {},
      "bucket": {},
      "status": "{}",
      "priority": "{}",
      "decision": {},
      "blocked": {})",
                         raw(t.id), json_string(owner.name), json_string(part.name), t.bucket, name(d.what.health),
                         name(d.what.priority), decision_json(d), blocked_json(d));
  if (why)
    out += ",\n      \"paths\": " + paths_json(d);
  return out + "\n    }";
}

} // namespace

std::string diagnosis_json(const paper_cluster& of, diagnosis_options options) {
  std::array<std::uint64_t, tablet_health_count> counted{};
  std::string tablets;
  const load_scores scores{of.cat, of.cluster, of.slots};
  auto view = of.view();
  view.scores = &scores;
  of.cat.tables.for_each([&](table_id, const table& owner) {
    for (const auto& part : owner.partitions)
      for_each_tablet(part, [&](tablet_id id) {
        const auto d = decide(view, id);
        ++counted[static_cast<std::size_t>(d.what.health)];
        tablets += (tablets.empty() ? "" : ",\n") + tablet_json(owner, part, *of.cat.tablets.find(id), d, options.why);
      });
  });
  std::string by_status;
  for (std::size_t at = 0; at < counted.size(); ++at)
    if (counted[at] > 0)
      by_status += fmt::format(R"({}"{}": {})", by_status.empty() ? "" : ", ", name(static_cast<tablet_health>(at)),
                               counted[at]);
  return fmt::format(
    "{{\n  \"backends\": {},\n  \"tablets\": {},\n  \"byStatus\": {{{}}},\n  \"diagnoses\": [\n{}\n  ]\n}}\n",
    of.cat.backends.size(), of.cat.tablets.size(), by_status, tablets);
}

} // namespace tabletd::ctl
