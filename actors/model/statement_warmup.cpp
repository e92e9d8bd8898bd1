// What statements about warm-up mean.  A word that is not known is refused: a "peridoic" job that silently ran once
// would leave everybody but its author wondering.
#include "actors/model/statement_slots.h"

namespace tabletd::model {

namespace {

constexpr std::array<std::string_view, 3> sync_modes{"once", "periodic", "event_driven"};
constexpr std::array<std::string_view, 2> sync_events{"load", "query"};
constexpr std::array<std::string_view, 2> errors_do{"cancel", "skip"};
constexpr std::array<std::string_view, 2> busy_does{"queue", "reject"};

/// What the properties say of when a job runs, and where each was written.
struct sync_words {
  std::size_t mode = 0;
  std::optional<std::uint64_t> interval_s;
  std::optional<std::size_t> event;
  const property* interval_at = nullptr;
  const property* event_at = nullptr;
};

warmup_sync sync_of(slot_reader& in, const sync_words& said) {
  const bool is_periodic = said.mode == 1;
  const bool is_event_driven = said.mode == 2;
  if (said.interval_at && !is_periodic)
    in.refuse_key(*said.interval_at, R"("sync_interval_sec" is about jobs with "sync_mode"="periodic")",
                  "say that too, or leave it out");
  if (said.event_at && !is_event_driven)
    in.refuse_key(*said.event_at, R"("sync_event" is about jobs with "sync_mode"="event_driven")",
                  "say that too, or leave it out");
  if (is_periodic) {
    in.need(said.interval_s.has_value(), "sync_interval_sec",
            R"("sync_mode"="periodic" needs it: the seconds from the start of one round to the next)");
    return sync_periodic{std::chrono::seconds(said.interval_s.value_or(1))};
  }
  if (is_event_driven) {
    in.need(said.event.has_value(), "sync_event", R"("sync_mode"="event_driven" needs it: "load" or "query")");
    return sync_on_event{said.event.value_or(0) == 0 ? warmup_event::load : warmup_event::query};
  }
  return sync_once{};
}

warm_up_terms build_terms(slot_reader& in) {
  warm_up_terms out;
  out.force = in.took("FORCE");
  out.dry_run = in.took("DRY");
  sync_words said;
  const auto given = in.properties(slot::warmup_property);
  for (const auto& p : given) {
    if (p.key == "sync_mode") {
      said.mode = in.word_in(p, "sync mode", sync_modes);
    } else if (p.key == "sync_interval_sec") {
      said.interval_s = in.number_in(p, "number of seconds", 1, sync_interval_s_max);
      said.interval_at = &p;
    } else if (p.key == "sync_event") {
      said.event = in.word_in(p, "event", sync_events);
      said.event_at = &p;
    } else if (p.key == "on_error") {
      out.on_error = in.word_in(p, "way to treat an error", errors_do) == 0 ? warmup_on_error::cancel : warmup_on_error::skip;
    } else {
      out.when_busy = in.word_in(p, "way to treat a busy cluster", busy_does) == 0 ? warmup_when_busy::queue
                                                                                   : warmup_when_busy::reject;
    }
  }
  out.sync = sync_of(in, said);
  return out;
}

}  // namespace

std::span<const std::string_view> words_of_warmup_property(std::string_view key) {
  if (key == "sync_mode")
    return sync_modes;
  if (key == "sync_event")
    return sync_events;
  if (key == "on_error")
    return errors_do;
  return key == "when_busy" ? std::span<const std::string_view>{busy_does} : std::span<const std::string_view>{};
}

warm_up_cluster build_warm_up_cluster(slot_reader& in) {
  warm_up_cluster out;
  out.dst = in.name();
  out.src = in.name();
  out.terms = build_terms(in);
  return out;
}

warm_up_tables build_warm_up_tables(slot_reader& in) {
  warm_up_tables out;
  out.dst = in.name();
  out.targets = in.targets();
  in.at_most(out.targets.size(), warm_up_targets_max, "tables and partitions", "warm them with several statements");
  out.terms = build_terms(in);
  return out;
}

}  // namespace tabletd::model
