// See repetition.h.
#include "node/tabletctl/repetition.h"
#include "actors/model/statement.h"
#include "actors/model/statement_table.h"
#include <fmt/format.h>
#include <sys/stat.h>
#include <array>

namespace tabletd::ctl {

namespace {

struct looking_glass {
  std::string_view prefix; ///< Of the statement's kind.
  std::string_view look;
};
/// The first that fits.  What is not here is looked for with HELP SHOW.
constexpr std::array looking_glasses{
  looking_glass{"create_database", "SHOW DATABASES"},
  looking_glass{"drop_database", "SHOW DATABASES"},
  looking_glass{"create_table", "SHOW TABLES"},
  looking_glass{"drop_table", "SHOW TABLES"},
  looking_glass{"add_backends", "SHOW BACKENDS"},
  looking_glass{"drop_backend", "SHOW BACKENDS"},
  looking_glass{"modify_backend", "SHOW BACKENDS"},
  looking_glass{"decommission", "SHOW BACKENDS"},
  looking_glass{"add_frontend", "SHOW FRONTENDS"},
  looking_glass{"drop_frontend", "SHOW FRONTENDS"},
  looking_glass{"transfer_leadership", "SHOW FRONTENDS"},
  looking_glass{"set_config", "ADMIN SHOW FRONTEND CONFIG"},
  looking_glass{"save_plan", "SHOW PLANS"},
  looking_glass{"apply_plan", "SHOW PLANS"},
  looking_glass{"drop_plan", "SHOW PLANS"},
  looking_glass{"pause_balance", "SHOW PROC '/cluster_balance/balance_pauses'"},
  looking_glass{"resume_balance", "SHOW PROC '/cluster_balance/balance_pauses'"},
  looking_glass{"cooldown_table", "SHOW PROC '/cooldown'"},
  looking_glass{"recall_table", "SHOW PROC '/cooldown'"},
  looking_glass{"warm_up_", "SHOW WARM UP JOB"},
  looking_glass{"cancel_warm_up", "SHOW WARM UP JOB"},
  looking_glass{"pause_warm_up", "SHOW WARM UP JOB"},
  looking_glass{"resume_warm_up", "SHOW WARM UP JOB"},
  looking_glass{"repair_table", "SHOW PROC '/cluster_balance/priority_repair'"},
};

std::string look_after(std::string_view kind) {
  for (const auto& one : looking_glasses)
    if (kind.starts_with(one.prefix))
      return std::string{one.look};
  return "SHOW ...";
}

/// False: a pipe, a device, or nothing we may look at.  Of a file that is not there yet: true.
bool whole_file(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) != 0 || S_ISREG(found.st_mode);
}

} // namespace

statement_nature nature_of(std::string_view statement) {
  statement_nature out;
  const auto parsed = model::parse(statement);
  const auto* known = std::get_if<model::statement>(&parsed);
  if (!known)
    return out;
  const auto& row = model::row_of(*known);
  out.look = look_after(row.kind);
  if (!row.mutates)
    out.again = repetition::harmless;
  if (const auto* use = std::get_if<model::use_database>(known))
    out.use = use->name;
  if (const auto* load = std::get_if<model::load_file>(known)) {
    out.is_load = true;
    out.label = load->label;
    out.again = repetition::by_label;
    if (!whole_file(load->path)) {
      out.again = repetition::unknowable;
      out.why_not = fmt::format("{} cannot be read a second time", load->path);
    }
  }
  if (const auto* unload = std::get_if<model::export_table>(known); unload && !whole_file(unload->path)) {
    out.again = repetition::unknowable;
    out.why_not = fmt::format("{} has got a part of the rows already", unload->path);
  }
  return out;
}

next_step after_attempt(const statement_nature& what, bool lost, const statement_error* error, bool repeated) {
  using api::ErrorCode;
  const bool may_repeat = what.again != repetition::unknowable;
  if (lost)
    return may_repeat ? next_step::reconnect : next_step::give_up;
  if (!error)
    return next_step::finished;
  if (error->code == ErrorCode::NOT_LEADER) { // Certainly not carried out.
    if (!error->leader.empty())
      return next_step::elsewhere;
    return error->retry_after_ms > 0 ? next_step::reconnect : next_step::finished;
  }
  if (error->code == ErrorCode::UNAVAILABLE && error->outcome_unknown)
    return may_repeat ? next_step::reconnect : next_step::give_up;
  // It could not even begin here.  A load that was rolled back says the same, and may be large.
  if (error->code == ErrorCode::UNAVAILABLE && error->retry_after_ms > 0 && !what.is_load)
    return next_step::reconnect;
  if (!repeated || !may_repeat)
    return next_step::finished;
  // A new leader needs a moment until its backends are attached again, and until it has ended the
  // load that the old one left open.
  if (error->code == ErrorCode::UNAVAILABLE)
    return next_step::reconnect;
  if (error->code == ErrorCode::DATA_LOSS && what.again == repetition::harmless)
    return next_step::wait_here;
  if (error->code == ErrorCode::CONFLICT && what.again == repetition::by_label)
    return next_step::wait_here;
  return next_step::finished;
}

} // namespace tabletd::ctl
