// Plans and verifications: both ask backends first.
#include "actors/codec/edit_words.h"
#include "actors/model/warmup_serving.h"
#include "actors/warmup/warmup_steps.h"

#include <algorithm>

namespace tabletd::warmup_steps {

using model::raw;

namespace {

/// Promises are handles: a copy answers as well.
template <class Answer>
void reply(caf::typed_response_promise<Answer> asker, Answer what) {
  asker.deliver(std::move(what));
}

// -- plans ---------------------------------------------------------------------------------

struct planning {
  model::warmup_definition what;
  std::vector<model::backend_id> backends;  ///< Of the destination.
  std::map<model::backend_id, std::uint64_t> cache_bytes;
  std::map<model::backend_id, std::string> silent;
  std::size_t open = 0;
  std::function<void(const model::warmup_plan_result&)> then;
};
using planning_ptr = std::shared_ptr<planning>;

/// The model names who did not answer; here it is known why.
model::warmup_plan_result with_reasons(model::warmup_plan_result made, const planning& of) {
  auto* refused = std::get_if<model::warmup_not_planned>(&made);
  if (!refused || refused->why != model::warmup_plan_refusal::capacity_unknown)
    return made;
  std::string whys;
  for (const auto& [backend, why] : of.silent)
    if (std::ranges::find(of.backends, backend) != of.backends.end())
      whys += (whys.empty() ? "" : "; ") + ("backend " + std::to_string(raw(backend))) + ": " + why;
  refused->text += " (" + whys + ")";
  return made;
}

void make_plan(self_ptr self, const planning& of) {
  const auto cat = self->state.room->catalog->load();
  std::vector<model::warming_backend> backends;
  for (const auto id : of.backends) {
    const auto said = of.cache_bytes.find(id);
    backends.push_back({id, said == of.cache_bytes.end() ? std::nullopt : std::optional{said->second}});
  }
  const auto& what = of.what;
  if (what.type == model::warmup_type::table)
    return of.then(with_reasons(
      model::plan_tables(what.dst, model::warming_tables(*cat, what.targets, of.backends), backends, what.force), of));
  const auto hottest = self->state.heat.hottest_partitions(what.src);
  of.then(with_reasons(model::plan_cluster(what.dst, model::warming_partitions(*cat, hottest, of.backends), backends), of));
}

void on_state(self_ptr self, const planning_ptr& of, model::backend_id backend, const warmup_answer& answer) {
  const auto from = answer.get();
  if (from.isState()) {
    const auto state = codec::decode(from.getState());
    of->cache_bytes[backend] = state.capacity_bytes;
    note_state(self, backend, state);
  } else {
    of->silent[backend] = from.isSilent() ? from.getSilent().cStr() : "it answers something else";
  }
  if (--of->open == 0)
    make_plan(self, *of);
}

}  // namespace

void plan(self_ptr self, model::warmup_definition what, std::function<void(const model::warmup_plan_result&)> then) {
  auto& st = self->state;
  const auto cat = st.room->catalog->load();
  auto of = std::make_shared<planning>();
  of->backends = model::serving_backends(*cat, what.dst);
  std::set<model::backend_id> asked{of->backends.begin(), of->backends.end()};
  if (what.type == model::warmup_type::cluster) {
    if (!model::is_cluster(*cat, what.src) && !st.heat.knows(what.src))
      return then(model::warmup_not_planned{
        model::warmup_plan_refusal::source_unknown,
        "The srcClusterName " + what.src + " doesn't exist, and nothing is known of what was hot in it"});
    const auto src = model::serving_backends(*cat, what.src);
    asked.insert(src.begin(), src.end());
  }
  of->what = std::move(what);
  of->then = std::move(then);
  of->open = asked.size();
  const auto& pace = st.room->settings.pace;
  for (const auto backend : asked)
    call(self, backend, codec::seal_state_call(pace.heat_partitions), pace.answer_limit,
         [self, of, backend](const warmup_answer& answer) { on_state(self, of, backend, answer); });
  if (asked.empty())
    make_plan(self, *of);
}

caf::typed_response_promise<warmup_plan_answer> on_plan(self_ptr self, const warmup_plan_question& asked) {
  auto asker = self->make_response_promise<warmup_plan_answer>();
  plan(self, codec::edit_words::read(asked.get().getWhat()),
       [asker](const model::warmup_plan_result& made) { reply(asker, codec::seal_planned(made)); });
  return asker;
}

// -- verifications -------------------------------------------------------------------------

namespace {

struct verified_lane {
  model::backend_id backend{};
  std::vector<model::tablet_id> tablets;
  std::size_t next = 0;  ///< First one not asked for yet.
  codec::cache_share share;
  std::string silent;
};
struct verification {
  caf::typed_response_promise<warmup_verify_answer> asker;
  std::vector<verified_lane> lanes;
  std::size_t open = 0;
};
using verification_ptr = std::shared_ptr<verification>;

warmup_verify_answer refusal(const std::string& why) {
  return seal<wire::WarmupVerified>([&](auto to) { to.setRefused(why.c_str()); });
}

warmup_verify_answer seal_lanes(const std::vector<verified_lane>& lanes) {
  return seal<wire::WarmupVerified>([&](auto to) {
    auto list = to.initLanes(static_cast<unsigned>(lanes.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setBackend(raw(lanes[i].backend));
      list[i].setTablets(lanes[i].tablets.size());
      codec::encode(lanes[i].share, list[i].initShare());
      list[i].setSilent(lanes[i].silent.c_str());
    }
  });
}

/// Piece by piece: an answer should not take too long, nor a question be too large.
void ask_next(self_ptr self, const verification_ptr& of, std::size_t i) {
  auto& lane = of->lanes[i];
  const auto& room = *self->state.room;
  const auto count = std::min(room.settings.pace.verify_tablets, lane.tablets.size() - lane.next);
  if (count == 0 || !lane.silent.empty()) {
    if (--of->open == 0)
      reply(of->asker, seal_lanes(of->lanes));
    return;
  }
  const auto cat = room.catalog->load();
  const auto piece = std::span{lane.tablets}.subspan(std::exchange(lane.next, lane.next + count), count);
  call(self, lane.backend, codec::seal_verify(*cat, piece), room.settings.pace.work_limit,
       [self, of, i](const warmup_answer& answer) {
         auto& told = of->lanes[i];
         if (const auto from = answer.get(); from.isShare()) {
           const auto share = codec::decode(from.getShare());
           told.share.sound_bytes += share.sound_bytes;
           told.share.damaged_bytes += share.damaged_bytes;
           told.share.missing_bytes += share.missing_bytes;
         } else {
           told.silent = from.isSilent() && from.getSilent().size() > 0 ? from.getSilent().cStr() : "it answers something else";
         }
         ask_next(self, of, i);
       });
}

}  // namespace

caf::typed_response_promise<warmup_verify_answer> on_verify(self_ptr self, const warmup_verify_question& asked) {
  auto of = std::make_shared<verification>();
  of->asker = self->make_response_promise<warmup_verify_answer>();
  const model::warmup_job_id id{asked.get().getJob()};
  const auto cat = self->state.room->catalog->load();
  const auto* job = cat->warmup.jobs.find(id);
  if (!job || model::is_event_driven(job->what.sync)) {
    const auto number = std::to_string(raw(id));
    reply(of->asker, refusal(!job ? "job id: " + number + " does not exist."
                                  : "job " + number + " follows events and has no batches that could be verified"));
    return of->asker;
  }
  for (std::size_t i = 0; i < job->lanes.size(); ++i) {
    auto& lane = of->lanes.emplace_back();
    lane.backend = job->lanes[i].backend;
    const auto& batches = (*job->plan)[i].batches;
    for (std::uint32_t b = 0; b < job->lanes[i].warmed; ++b)
      lane.tablets.insert(lane.tablets.end(), batches[b].tablets.begin(), batches[b].tablets.end());
  }
  of->open = of->lanes.size() + 1;  // Not answered before all are asked.
  for (std::size_t i = 0; i < of->lanes.size(); ++i)
    ask_next(self, of, i);
  if (--of->open == 0)
    reply(of->asker, seal_lanes(of->lanes));
  return of->asker;
}

}  // namespace tabletd::warmup_steps
