#include "actors/model/warmup_types.h"

namespace tabletd::model {

const char* word_of(warmup_state state) {
  switch (state) {
    case warmup_state::pending:
      return "PENDING";
    case warmup_state::running:
      return "RUNNING";
    case warmup_state::finished:
      return "FINISHED";
    case warmup_state::cancelled:
      return "CANCELLED";
  }
  return "?";
}

std::string text_of(const warmup_sync& sync) {
  return std::visit(overloaded{[](const sync_once&) -> std::string { return "ONCE"; },
                               [](const sync_periodic& p) {
                                 return "PERIODIC (" + std::to_string(p.interval.count() / 1'000) + "s)";
                               },
                               [](const sync_on_event& e) -> std::string {
                                 return e.event == warmup_event::load ? "EVENT_DRIVEN (LOAD)" : "EVENT_DRIVEN (QUERY)";
                               }},
                    sync);
}

std::string gib_text(std::uint64_t bytes) {
  constexpr std::uint64_t gib = 1ULL << 30;
  auto whole = bytes / gib;
  auto hundredths = (bytes % gib * 100 + gib / 2) / gib;
  if (hundredths == 100) {
    ++whole;
    hundredths = 0;
  }
  return std::to_string(whole) + (hundredths < 10 ? ".0" : ".") + std::to_string(hundredths) + " GB";
}

std::string text_of(const warmup_progress& progress) {
  return "Finished " + gib_text(progress.bytes_done) + " / Total " + gib_text(progress.bytes_total);
}

}  // namespace tabletd::model
