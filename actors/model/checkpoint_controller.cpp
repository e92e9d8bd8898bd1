// Rounds and attempts.  What is known of members and what becomes of images: checkpoint_members.cpp.
#include "actors/model/checkpoint_controller.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace tabletd::model {

namespace {

std::string text_of(const attempt_id& id) {
  return "attempt (" + std::to_string(id.epoch) + ",#" + std::to_string(id.attempt) + ","
         + std::to_string(id.journal_id) + ")";
}

std::string text_of(attempt_refusal why) {
  switch (why) {
    case attempt_refusal::epoch: return "it knows another epoch";
    case attempt_refusal::ahead: return "it has not applied that much";
    case attempt_refusal::too_small: return "it has a newer image";
    case attempt_refusal::overtaken: return "it knows a later attempt";
    case attempt_refusal::busy: return "it is busy";
  }
  return "unknown";
}

constexpr const char* leads_no_more = "this fe leads no more; ask the new leader";

std::string fe(node_id member) { return "fe " + std::to_string(member); }

} // namespace

checkpoint_controller::checkpoint_controller(checkpoint_options options, model::term epoch, node_id self,
                                             std::vector<node_id> members, const checkpoint_marks& marks,
                                             time_ms now)
    : options_(options), epoch_(epoch), self_(self), now_(now), image_made_(now), next_round_(now + options.settle),
      pressure_seen_(now), log_uses_newest_(marks.use_newest) {
  on(group_changed{std::move(members)});
  for (const auto id : marks.excused)
    if (const auto m = members_.find(id); m != members_.end())
      m->second.excused = true;
    else
      leavers_[id].since = now;
}

struct checkpoint_controller::visitor {
  checkpoint_controller& c;

  void operator()(const checkpoint_ticked&) { c.tick(); }
  void operator()(const journal_seen& e) {
    c.journal_ = e;
    c.finalized_ = std::max(c.finalized_, e.finalized);
  }
  void operator()(const fetch_progressed& e) {
    if (c.attempt_ && c.attempt_->id == e.attempt)
      c.attempt_->progressed = c.now_;
  }
  void operator()(const push_progressed& e) {
    if (c.push_ && c.push_->member == e.member)
      c.push_->progressed = c.now_;
  }
  void operator()(const push_refused& e) {
    if (!c.push_ || c.push_->member != e.member || c.push_->image_id != e.image_id)
      return;
    c.members_.at(e.member).push_after = c.now_ + c.options_.round_interval;
    c.push_.reset();
  }
  void operator()(const leadership_proved& e) {
    if (c.proof_ && c.proof_->number == e.proof)
      c.delete_proved();
  }
  void operator()(const leadership_unproved& e) {
    if (c.proof_ && c.proof_->number == e.proof)
      c.proof_.reset();
  }
  void operator()(const decision_failed& e) {
    if (!is_about_member(e.what))
      c.pressure_deciding_ = false;
    else if (const auto m = c.members_.find(e.member); m != c.members_.end())
      m->second.deciding = false;
    else if (const auto left = c.leavers_.find(e.member); left != c.leavers_.end())
      left->second.deciding = false;
  }
  void operator()(const disk_pressure_seen& e) {
    c.pressure_ = e.pressed;
    c.pressure_seen_ = c.now_;
  }
  void operator()(const epoch_ended&) {
    for (const auto& order : std::exchange(c.orders_, {}))
      c.effects_.push_back(answer_operator{order.what.request, false, leads_no_more});
    if (c.round_)
      c.end_round(false, leads_no_more);
    c.attempt_.reset();
    c.ended_ = true;
  }
  template <class Event>
  void operator()(const Event& e) {
    c.on(e);
  }
};

checkpoint_effects checkpoint_controller::step(const checkpoint_event& event, time_ms now) {
  now_ = now;
  effects_.clear();
  if (ended_) {
    if (const auto* asked = std::get_if<checkpoint_asked>(&event))
      effects_.push_back(answer_operator{asked->request, false, leads_no_more});
    return std::exchange(effects_, {});
  }
  std::visit(visitor{*this}, event);
  if (!ended_) { // Level, not edge: whatever happened, look at all of it.
    take_orders();
    spread();
    forget_old_pressure();
    decide_about_disk();
    decide_about_members();
    ask_for_proof();
  }
  return std::exchange(effects_, {});
}

// -- when --------------------------------------------------------------------------------

bool checkpoint_controller::roll_is_due() const {
  const auto newest = newest_id(self().images);
  if (self().applied <= newest)
    return false;
  const auto entries = self().applied - newest;
  if (entries >= options_.entries_max || journal_.bytes_since_image >= options_.bytes_max)
    return true;
  // Made for a leader that fell: nobody takes an older one from us after that.
  for (const auto& [id, m] : members_)
    if (m.alive && newest_id(m.images) > newest)
      return true;
  return entries >= options_.aged_entries_min && now_ - image_made_ >= options_.age_max;
}

void checkpoint_controller::tick() {
  if (attempt_)
    look_after_attempt();
  if (round_ || now_ < next_round_ || !self().alive)
    return;
  if (roll_is_due())
    finalized_ = std::max(finalized_, self().applied);
  if (finalized_ > newest_id(self().images))
    begin_round(options_.only_on_leader ? std::vector{self_} : candidates(), finalized_, std::nullopt);
}

std::vector<node_id> checkpoint_controller::candidates() const {
  std::vector<node_id> order;
  for (const auto& [id, m] : members_)
    if (m.alive && (!m.excused || id == self_))
      order.push_back(id);
  const auto rank = [&](node_id id) {
    const auto& m = members_.at(id);
    return std::tuple{m.last_failed.value_or(time_ms::min()),
                      id == self_ ? std::numeric_limits<std::uint32_t>::max() : m.memory_percent};
  };
  std::ranges::stable_sort(order, {}, rank);
  return order;
}

// -- what an operator orders -------------------------------------------------------------

void checkpoint_controller::on(const checkpoint_asked& e) { orders_.push_back({e, now_ + options_.order_patience}); }

/// Who is known to be silent is not waited for; who has not been heard of in this epoch is.
bool checkpoint_controller::is_due(const waiting_order& order) const {
  return now_ >= order.latest || std::ranges::all_of(members_, [&](const auto& entry) {
           const auto& m = entry.second;
           return m.beat >= order.what.beat || (!m.alive && m.boot != 0);
         });
}

void checkpoint_controller::take_orders() {
  while (!orders_.empty() && is_due(orders_.front())) {
    const auto order = orders_.front().what;
    orders_.erase(orders_.begin());
    obey(order);
  }
}

void checkpoint_controller::obey(const checkpoint_asked& e) {
  const auto refuse = [&](std::string why) { effects_.push_back(answer_operator{e.request, false, std::move(why)}); };
  if (round_)
    return refuse("a checkpoint is under way: " + text_of(attempt_->id) + "; ask again when it has ended");
  if (!self().alive)
    return refuse("this fe has just begun to lead; ask again in a few seconds");
  if (e.on && (!members_.contains(*e.on) || !members_.at(*e.on).alive))
    return refuse(fe(*e.on) + " is not in the group or does not answer");
  if (self().applied <= newest_id(self().images)) {
    effects_.push_back(answer_operator{e.request, true, "image " + std::to_string(newest_id(self().images))
                                                          + " is the newest there can be"});
    return;
  }
  finalized_ = std::max(finalized_, self().applied);
  begin_round(e.on ? std::vector{*e.on} : options_.only_on_leader ? std::vector{self_} : candidates(), finalized_,
              e.request);
}

// -- on whom -----------------------------------------------------------------------------

void checkpoint_controller::begin_round(std::vector<node_id> candidates, std::uint64_t target,
                                        std::optional<std::uint64_t> request) {
  // What its maker still has need not be made again.
  if (unfetched_ && !request && !candidates.empty() && unfetched_->id > newest_id(self().images)) {
    const auto& held = members_.at(candidates.front()).images;
    if (std::ranges::find(held, *unfetched_) != held.end() && newest_id(held) == unfetched_->id)
      target = unfetched_->id;
  }
  round_ = {std::move(candidates), target, request};
  ask_next("nobody answers");
}

void checkpoint_controller::ask_next(const std::string& why_not_the_last) {
  auto& left = round_->left;
  while (!left.empty() && !members_.at(left.front()).alive)
    left.erase(left.begin());
  if (left.empty())
    return end_round(false, why_not_the_last);
  const auto worker = left.front();
  left.erase(left.begin());
  attempt_ = running_attempt{.id = {epoch_, ++attempts_, round_->target},
                             .worker = worker,
                             .boot = members_.at(worker).boot,
                             .accepted = false,
                             .progress = {},
                             .ordered = now_,
                             .progressed = now_,
                             .poll_at = now_ + options_.poll_interval,
                             .fetching = {}};
  effects_.push_back(record_attempt{attempt_->id, worker});
  effects_.push_back(start_attempt{worker, attempt_->id});
}

// -- the attempt -------------------------------------------------------------------------

void checkpoint_controller::look_after_attempt() {
  auto& a = *attempt_;
  if (now_ - a.progressed >= options_.progress_patience) {
    const auto why = "no progress for " + std::to_string(options_.progress_patience.count() / 1000) + " s";
    return a.fetching ? on(image_refused{a.id, false, why})
                      : attempt_ended_badly(why, blame::worker, then::end_round);
  }
  if (a.fetching)
    return;
  if (!a.accepted && now_ - a.ordered >= options_.start_patience)
    return attempt_ended_badly(fe(a.worker) + " did not answer the order", blame::worker, then::ask_next);
  if (now_ < a.poll_at)
    return;
  a.poll_at = now_ + options_.poll_interval;
  effects_.push_back(poll_attempt{a.worker, a.id});
}

void checkpoint_controller::on(const worker_said& e) {
  if (!attempt_ || attempt_->id != e.attempt || attempt_->worker != e.member) {
    effects_.push_back(tell_stale{e.member, e.attempt});
    return;
  }
  auto& a = *attempt_;
  if (a.fetching)
    return; // Said again; the image is on its way.
  if (a.boot != e.boot)
    return attempt_ended_badly("worker restarted", blame::worker, then::end_round);
  std::visit(overloaded{
               [&](const attempt_accepted&) {
                 a.accepted = true;
               },
               [&](const attempt_refused& r) {
                 attempt_ended_badly(fe(e.member) + " refused: " + text_of(r.why), blame::nobody, then::ask_next);
               },
               [&](const attempt_running& r) {
                 if (!a.accepted || r.replayed > a.progress.replayed || r.bytes_written > a.progress.bytes_written)
                   a.progressed = now_;
                 a.accepted = true;
                 a.progress = {std::max(r.replayed, a.progress.replayed),
                               std::max(r.bytes_written, a.progress.bytes_written)};
               },
               [&](const attempt_done& d) { image_made(d.image); },
               [&](const attempt_failed& f) {
                 attempt_ended_badly(f.why, blame::worker,
                                     f.kind == attempt_failure::disk_full ? then::ask_next : then::end_round);
               },
               [&](const attempt_unknown&) {
                 if (a.accepted)
                   return attempt_ended_badly(fe(e.member) + " forgot it", blame::worker, then::end_round);
                 effects_.push_back(start_attempt{a.worker, a.id}); // The order is lost or late; it may come twice.
               },
             },
             e.answer);
}

void checkpoint_controller::image_made(const image_mark& image) {
  auto& a = *attempt_;
  auto& maker = members_.at(a.worker);
  if (image.id < a.id.journal_id || image.id <= newest_id(self().images))
    return attempt_ended_badly("image " + std::to_string(image.id) + " is too old", blame::worker, then::end_round);
  a.accepted = true;
  a.progressed = now_;
  maker.images = with_image(std::move(maker.images), image);
  if (a.worker == self_)
    return attempt_succeeded();
  unfetched_ = image;
  a.fetching = image;
  effects_.push_back(fetch_image{a.worker, a.id, image});
}

void checkpoint_controller::on(const image_received& e) {
  if (!attempt_ || attempt_->id != e.attempt || !attempt_->fetching)
    return;
  if (e.image != *attempt_->fetching)
    return on(image_refused{e.attempt, e.image.bytes == attempt_->fetching->bytes, "other bytes than announced"});
  self().images = with_image(std::move(self().images), e.image);
  attempt_succeeded();
}

void checkpoint_controller::on(const image_refused& e) {
  if (!attempt_ || attempt_->id != e.attempt || !attempt_->fetching)
    return;
  // A link breaks once without anybody's fault; whole but wrong bytes, or twice in a row, is the worker's.
  auto& maker = members_.at(attempt_->worker);
  const bool guilty = e.damaged || ++maker.transfers_failed >= 2;
  attempt_ended_badly("the image of " + fe(attempt_->worker) + " did not arrive: " + e.why,
                      guilty ? blame::worker : blame::nobody, then::end_round);
}

void checkpoint_controller::attempt_succeeded() {
  const auto& images = self().images;
  members_.at(attempt_->worker).transfers_failed = 0;
  effects_.push_back(record_ending{attempt_->id, attempt_->worker, true, {}});
  effects_.push_back(keep_images{newest_id(images), older_id(images)});
  const auto text = "image " + std::to_string(newest_id(images)) + " made by " + fe(attempt_->worker);
  attempt_.reset();
  unfetched_.reset();
  image_made_ = now_;
  end_round(true, text);
}

void checkpoint_controller::attempt_ended_badly(const std::string& why, blame whom, then what) {
  const auto a = *attempt_;
  attempt_.reset();
  if (whom == blame::worker)
    members_.at(a.worker).last_failed = now_;
  if (whom == blame::worker && a.fetching)
    unfetched_.reset();
  effects_.push_back(record_ending{a.id, a.worker, false, why});
  if (a.fetching)
    effects_.push_back(stop_fetch{a.fetching->id});
  else
    effects_.push_back(cancel_attempt{a.worker, a.id});
  if (what == then::ask_next)
    ask_next(why);
  else
    end_round(false, why);
}

void checkpoint_controller::end_round(bool done, const std::string& text) {
  if (round_->request)
    effects_.push_back(answer_operator{*round_->request, done, text});
  round_.reset();
  next_round_ = now_ + options_.round_interval;
}

} // namespace tabletd::model
