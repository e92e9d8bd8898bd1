#include "actors/codec/repair_codec.h"
#include "actors/codec/agent_codec.h"
#include "actors/codec/wire_words.h"

namespace tabletd::codec {

using model::raw;

namespace {

template <class Id>
std::vector<Id> ids(capnp::List<std::uint64_t>::Reader from) {
  std::vector<Id> list;
  list.reserve(from.size());
  for (const auto id : from)
    list.push_back(static_cast<Id>(id));
  return list;
}

} // namespace

model::catalog_moved decode_moved(wire::CatalogAdvanced::Reader from) {
  return {ids<model::tablet_id>(from.getTouched()), ids<model::backend_id>(from.getBackends())};
}

sealed<wire::SickTablets> seal_sick(const model::check_effects& found, const model::tablet_checks& checks) {
  return seal<wire::SickTablets>(
    [&](auto to) {
      auto sick = to.initTablets(size_of(found.sick));
      for (unsigned i = 0; i < sick.size(); ++i) {
        sick[i].setTablet(raw(found.sick[i].tablet));
        sick[i].setHealth(static_cast<std::uint8_t>(found.sick[i].what.health));
        sick[i].setPriority(static_cast<std::uint8_t>(found.sick[i].what.priority));
      }
      auto healed = to.initHealed(size_of(found.healed));
      for (unsigned i = 0; i < healed.size(); ++i)
        healed.set(i, raw(found.healed[i]));
      to.setTabletsChecked(checks.tablets);
      to.setRounds(checks.rounds);
      to.setUnhealthyFound(checks.unhealthy);
    },
    32 + found.sick.size() * 2 + found.healed.size());
}

model::tablets_checked decode_sick(wire::SickTablets::Reader from) {
  model::tablets_checked checked{.sick = {},
                                 .healed = ids<model::tablet_id>(from.getHealed()),
                                 .tablets = from.getTabletsChecked(),
                                 .rounds = from.getRounds(),
                                 .unhealthy = from.getUnhealthyFound()};
  checked.sick.reserve(from.getTablets().size());
  for (const auto sick : from.getTablets())
    checked.sick.push_back(model::tablet_id{sick.getTablet()});
  return checked;
}

sealed<wire::CtxEnded> seal_ended(model::tablet_id tablet, const model::report_end& end) {
  return seal<wire::CtxEnded>([&](auto to) {
    to.setTablet(raw(tablet));
    to.setResult(static_cast<std::uint8_t>(end.result));
    to.setMessage(end.message);
    to.setCopiedBytes(end.copied_bytes);
    to.setElapsedMs(end.elapsed_ms);
    to.setFailure(static_cast<std::uint8_t>(end.failure));
  });
}

model::ctx_report decode_ended(wire::CtxEnded::Reader from) {
  KJ_REQUIRE(from.getResult() <= static_cast<std::uint8_t>(model::ctx_result::unexpected),
             "CtxEnded.result: not a way a context ends", from.getResult());
  KJ_REQUIRE(from.getFailure() <= static_cast<std::uint8_t>(model::task_failure::path_unknown),
             "CtxEnded.failure: not a reason of a backend", from.getFailure());
  return {model::tablet_id{from.getTablet()}, static_cast<model::ctx_result>(from.getResult()),
          from.getMessage().cStr(), from.getCopiedBytes(), from.getElapsedMs(),
          static_cast<model::task_failure>(from.getFailure())};
}

sealed<wire::TaskOrder> seal_order(model::backend_id backend, const model::agent_task& task) {
  return seal<wire::TaskOrder>([&](auto to) {
    to.setBackend(raw(backend));
    encode(task, to.initTask());
  });
}

model::edit_answer decode_answer(wire::EditOutcome::Reader from) {
  // Kinds this version does not know are failures and refusals too: they keep their number.
  return {model::log_index{from.getIndex()}, static_cast<model::refusal>(from.getRefusal()), from.getId(),
          static_cast<model::journal_failure>(from.getFailure()), from.getMessage().cStr(), from.getRetryAfterMs()};
}

} // namespace tabletd::codec
