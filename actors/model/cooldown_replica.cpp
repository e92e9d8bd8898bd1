// Conf, lease, what to do next, following.  The uploader's jobs: cooldown_uploads.cpp.
#include "actors/model/cooldown_replica.h"

#include <algorithm>
#include <utility>

namespace tabletd::model {

replica_effects cooldown_replica::step(const cooling_facts& facts, const replica_event& event, time_ms now) {
  facts_ = &facts;
  now_ = now;
  std::visit([&](const auto& e) { on(e); }, event);
  facts_ = nullptr;
  return std::exchange(effects_, {});
}

time_ms cooldown_replica::lease_left(time_ms now) const {
  if (!is_uploader() || !acknowledged_ || acknowledged_->term != conf_->term)
    return time_ms(0);
  return std::max(time_ms(0), acknowledged_->sent + options_.lease - now);
}

remote_meta_id cooldown_replica::published_id() const {
  return conf_ && conf_->published ? conf_->published->id : remote_meta_id{};
}

bool cooldown_replica::may_install_clone() const {
  return !in<saving_set>() && !in<saving_asked>() && !in<forgetting>();
}

cooldown_phase cooldown_replica::phase(const replica_disk& disk) const {
  if (!why_stuck_.empty())
    return cooldown_phase::stuck;
  if (in<uploading>() || in<saving_asked>() || in<asking>())
    return cooldown_phase::uploading;
  if (in<coming_home>() || (conf_ && conf_->recalled > disk.id))
    return cooldown_phase::recalling;
  if (in<fetching>() || in<saving_set>() || published_id() > disk.id)
    return cooldown_phase::following;
  return disk.hot.empty() && !disk.remote.empty() ? cooldown_phase::cooled : cooldown_phase::waiting;
}

// -- conf and lease ------------------------------------------------------------------------

void cooldown_replica::on(const conf_pushed& e) {
  if (e.conf.term < known_term())
    return;  // Late (D-B8).
  if (const auto* upload = std::get_if<uploading>(&state_);
      e.conf.term > known_term() && upload != nullptr && upload->again_at)
    abandon_upload();
  if (e.conf.term > known_term() && (in<uploading>() || in<saving_asked>() || in<deleting>() || in<saving_set>())) {
    stop_wanted_ = true;
    effects_.emplace_back(refuse_conf{e.conf.term});
    return;
  }
  adopt(e.conf);
}

void cooldown_replica::adopt(const cooldown_conf& conf) {
  const auto published = std::max(published_id(), conf.published ? conf.published->id : remote_meta_id{});
  const auto recalled = std::max(conf_ ? conf_->recalled : remote_meta_id{}, conf.recalled);
  const bool news = conf.term > known_term() || published > published_id();
  if (conf.term > known_term()) {
    const auto known = conf_ ? conf_->published : std::nullopt;
    conf_ = conf;
    if (known && known->id == published)
      conf_->published = known;  // This push left before the one that brought it.
    if (in<listing>() || in<confirming>() || in<fetching>() || in<asking>())
      end_job();  // What was asked for is on the disk; the next piece of work settles it.
  } else if (conf.published && conf.published->id == published) {
    conf_->published = conf.published;
  }
  conf_->recalled = recalled;
  if (!news)
    return;
  failures_ = 0;
  rest_until_ = now_;
  if (const auto* waits = std::get_if<asking>(&state_);
      waits != nullptr && conf_->published == waits->published)
    on(publication_answered{job_, publication_verdict::accepted});
}

void cooldown_replica::on(const report_acknowledged& e) {
  if (!acknowledged_ || std::pair(e.term, e.sent) > std::pair(acknowledged_->term, acknowledged_->sent))
    acknowledged_ = e;
}

// -- what to do next -----------------------------------------------------------------------

void cooldown_replica::on(const cooldown_work_due&) {
  if (const auto* waits = std::get_if<asking>(&state_);
      waits != nullptr && now_ - waits->asked_at >= options_.answer_patience)
    end_job();
  if (const auto* waits = std::get_if<confirming>(&state_);
      waits != nullptr && now_ - waits->asked_at >= options_.answer_patience)
    end_job();
  if (in<uploading>())
    try_piece_again();
  if (!in<idle>())
    return;
  stop_wanted_ = false;
  if (facts_->disk.asked)
    return settle_asked();
  if (now_ < rest_until_)
    return;
  why_stuck_.clear();
  if (is_behind() && !may_overtake())
    return wait_or_catch_up();
  if (leads(now_))
    upload_or_clean_up();
}

/// What came of a request whose answer is not known.  Only a term that is over or an id that is published says that it
/// will never be committed; that it has not been so far says nothing.
void cooldown_replica::settle_asked() {
  const auto& asked = *facts_->disk.asked;
  if (!conf_)
    return;
  if (published_id() >= asked.id && is_behind() && misaligned_ != published_id()) {
    if (now_ >= rest_until_)
      catch_up();  // Whether it is ours or not; saving it forgets what was asked.
  } else if (published_id() >= asked.id || conf_->term > asked.id.term) {
    state_ = forgetting{};
    effects_.emplace_back(forget_asked{++job_});
  } else if (is_uploader() && conf_->term == asked.id.term && now_ >= rest_until_) {
    ask(asked, std::nullopt);
  }
}

void cooldown_replica::end_job() {
  state_ = idle{};
  ++job_;  // Whatever is still said of it comes too late.
}

/// Whoever did not answer, or not for good, is not asked again at once: without a leader every question fails.
void cooldown_replica::rest_after_question() {
  end_job();
  rest_until_ = std::max(rest_until_, now_ + options_.work_interval);
}

void cooldown_replica::fail_job(std::string why) {
  end_job();
  why_stuck_ = std::move(why);
  const auto intervals
      = std::min(options_.rest_intervals << std::min<std::uint32_t>(failures_, 16), options_.rest_intervals_max);
  ++failures_;
  rest_until_ = now_ + options_.work_interval * intervals;
  if (std::exchange(reads_wait_, false))
    effects_.emplace_back(fail_reads{why_stuck_});
}

// -- following -----------------------------------------------------------------------------

bool cooldown_replica::is_behind() const { return published_id() > facts_->disk.id; }

/// An uploader that need not take over what is published before it publishes itself: a recall says nothing of rowsets; and
/// one whose rowsets lie across the end of what is published can never follow it, but may publish its own, to that
/// end and beyond.
bool cooldown_replica::may_overtake() const {
  return leads(now_) && facts_->disk.id >= conf_->recalled && (facts_->recall || misaligned_ == published_id());
}

/// Who follows shortly before a recall lets go of files that he then has to fetch.
void cooldown_replica::wait_or_catch_up() {
  if (!facts_->recall || facts_->disk.id < conf_->recalled)
    catch_up();
}

/// After a recall home comes first: what was published since may reach less far than what is remote here.
void cooldown_replica::catch_up() {
  if (facts_->disk.id >= conf_->recalled)
    return follow();
  state_ = coming_home{};
  effects_.emplace_back(bring_home{++job_, plan_home(facts_->disk, conf_->recalled)});
}

void cooldown_replica::follow() {
  state_ = fetching{*conf_->published};
  effects_.emplace_back(fetch_meta{++job_, *conf_->published});
}

void cooldown_replica::on(const meta_fetched& e) {
  const auto* waits = std::get_if<fetching>(&state_);
  if (waits == nullptr || e.job != job_)
    return;
  if (auto defect = defect_of(e.meta, tablet_, waits->published); !defect.empty())
    return fail_job(std::move(defect));
  save(plan_follow(facts_->disk, e.meta));
}

void cooldown_replica::save(const set_plan& plan) {
  if (const auto* refused = std::get_if<set_refused>(&plan)) {
    if (refused->kind == set_refusal::nothing_new)
      return end_job();
    if (refused->kind == set_refusal::not_aligned)
      misaligned_ = published_id();
    return fail_job(refused->why);
  }
  const auto& change = std::get<set_change>(plan);
  state_ = saving_set{std::ranges::any_of(change.remote_dropped, [](const auto& r) { return !r.object.empty(); })};
  effects_.emplace_back(save_set{++job_, change});
}

void cooldown_replica::on(const read_missed&) {
  if (in<idle>() && is_behind())
    catch_up();
  if (in<fetching>() || in<saving_set>())
    reads_wait_ = true;
  else
    effects_.emplace_back(fail_reads{"the store lacks an object of the newest set known here"});
}

void cooldown_replica::on(const clone_installed_here& e) {
  if (in<fetching>() || in<listing>() || in<confirming>())
    end_job();
  if (in<uploading>() || in<deleting>())
    stop_wanted_ = true;
  republish_wanted_ |= e.full && is_uploader();
}

}  // namespace tabletd::model
