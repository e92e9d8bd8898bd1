// What the controller knows of the members, which of them get the image, and when the journal goes.
#include "actors/model/checkpoint_controller.h"

#include <algorithm>

namespace tabletd::model {

void checkpoint_controller::on(const group_changed& e) {
  members_.try_emplace(self_);
  for (const auto id : e.members)
    if (const auto [m, is_new] = members_.try_emplace(id); is_new) { // Down until it is seen.
      m->second.down_since = now_;
      m->second.bytes_written_when_lost = journal_.bytes_written;
      if (const auto left = leavers_.extract(id)) { // Back before its mark was taken off.
        m->second.excused = true;
        m->second.deciding = left.mapped().deciding;
      }
    }
  const auto is_member = [&](node_id id) { return id == self_ || std::ranges::find(e.members, id) != e.members.end(); };
  if (attempt_ && !is_member(attempt_->worker))
    attempt_ended_badly("fe " + std::to_string(attempt_->worker) + " left the group", blame::nobody, then::end_round);
  if (push_ && !is_member(push_->member))
    push_.reset();
  if (round_)
    std::erase_if(round_->left, [&](node_id id) { return !is_member(id); });
  for (const auto& [id, m] : members_)
    if (m.excused && !is_member(id))
      leavers_[id] = {now_, m.deciding};
  std::erase_if(members_, [&](const auto& entry) { return !is_member(entry.first); });
}

/// What an earlier process of it told us is worth nothing: an image may have been found damaged.
void checkpoint_controller::note_boot(node_id member, member_book& m, boot_id boot) {
  if (m.boot == boot)
    return;
  const bool restarted = m.boot != 0;
  m.boot = boot;
  if (restarted)
    m.images.clear();
  if (push_ && push_->member == member)
    push_.reset();
  if (restarted && attempt_ && attempt_->worker == member && attempt_->boot != boot)
    attempt_ended_badly("worker restarted", blame::worker, then::end_round);
}

void checkpoint_controller::on(const member_seen& e) {
  const auto found = members_.find(e.member);
  if (found == members_.end() || e.beat <= found->second.beat)
    return;
  auto& m = found->second;
  note_boot(e.member, m, e.boot);
  m.alive = true;
  m.beat = e.beat;
  m.memory_percent = e.memory_percent;
  m.applied = e.applied;
  m.deleted = e.deleted;
  m.images = e.images;
}

void checkpoint_controller::on(const member_lost& e) {
  const auto m = members_.find(e.member);
  if (m == members_.end() || !m->second.alive)
    return;
  m->second.alive = false;
  m->second.down_since = now_;
  m->second.bytes_written_when_lost = journal_.bytes_written;
  if (push_ && push_->member == e.member)
    push_.reset();
}

// -- the image for everybody -------------------------------------------------------------

bool checkpoint_controller::has_newest(const member_book& m) const {
  return !m.images.empty() && !self().images.empty() && m.images.front() == self().images.front();
}

void checkpoint_controller::on(const push_acked& e) {
  const auto m = members_.find(e.member);
  if (m == members_.end() || m->second.boot != e.boot)
    return; // What a restarted member still holds it says itself.
  m->second.images = with_image(std::move(m->second.images), e.image);
  if (push_ && push_->member == e.member && push_->image_id == e.image.id)
    push_.reset();
  if (!has_newest(m->second))
    m->second.push_after = now_ + options_.round_interval; // Other bytes than ours: not at once again.
}

/// One transfer at a time, also counting the leader's own; who waits longest is first.
void checkpoint_controller::spread() {
  if (push_ && (now_ - push_->progressed >= options_.progress_patience || has_newest(members_.at(push_->member))))
    push_.reset();
  if (push_ || (attempt_ && attempt_->fetching) || self().images.empty())
    return;
  node_id next = 0;
  for (const auto& [id, m] : members_) {
    if (id == self_ || !m.alive || has_newest(m) || now_ < m.push_after
        || newest_id(m.images) > newest_id(self().images))
      continue;
    if (next == 0 || m.push_after < members_.at(next).push_after)
      next = id;
  }
  if (next == 0)
    return;
  auto& m = members_.at(next);
  const auto& image = self().images.front();
  m.push_after = now_ + options_.round_interval;
  push_ = {next, image.id, now_};
  // Who lacks entries that are gone cannot get there by the journal.
  effects_.push_back(push_image{next, epoch_, image, m.excused || m.applied < self().deleted});
}

// -- logged decisions --------------------------------------------------------------------

checkpoint_marks marks_of(const catalog& cat) {
  checkpoint_marks marks;
  cat.retention.for_each([&](frontend_id who, const retention_mark&) {
    if (who == frontend_id{})
      marks.use_newest = true;
    else
      marks.excused.insert(raw(who));
  });
  return marks;
}

std::string text_of(const logged_decision& decision) {
  const auto fe = "fe " + std::to_string(decision.member);
  switch (decision.what) {
    case checkpoint_decision::excuse_member: return fe + " needs a full resync: " + decision.why;
    case checkpoint_decision::readmit_member: return fe + " needs no resync any more: " + decision.why;
    case checkpoint_decision::use_newest: return "the journal is deleted up to the newest image: " + decision.why;
    case checkpoint_decision::use_older: return "the journal is kept from the older image on: " + decision.why;
  }
  return {};
}

void checkpoint_controller::decide(checkpoint_decision what, node_id member, std::string why) {
  if (!is_about_member(what))
    pressure_deciding_ = true;
  else if (const auto m = members_.find(member); m != members_.end())
    m->second.deciding = true;
  else
    leavers_.at(member).deciding = true;
  effects_.push_back(log_decision{{what, member, std::move(why)}});
}

/// A disk of which nothing can be read any more must not keep for ever what is dangerous.
void checkpoint_controller::forget_old_pressure() {
  if (now_ - pressure_seen_ >= options_.disk_patience)
    pressure_ = false;
}

void checkpoint_controller::decide_about_disk() {
  if (!pressure_ || *pressure_ == log_uses_newest_ || pressure_deciding_)
    return;
  if (*pressure_)
    decide(checkpoint_decision::use_newest, 0, "the disk of the journal is filling up");
  else
    decide(checkpoint_decision::use_older, 0, "the disk of the journal presses no more, as far as is known");
}

std::set<node_id> checkpoint_controller::down_too_long() const {
  std::set<node_id> lost;
  for (const auto& [id, m] : members_)
    if (!m.alive && !m.excused && id != self_
        && (now_ - m.down_since > options_.retain_time_max
            || journal_.bytes_written - m.bytes_written_when_lost > options_.retain_bytes_max))
      lost.insert(id);
  return lost;
}

/// K6.  Judged as if all of them were excused: of two, neither alone would set anything free.  Who then holds nothing
/// up needs no mark.
void checkpoint_controller::excuse_the_lost() {
  const auto lost = down_too_long();
  const auto most = retention(lost).upto;
  for (const auto id : lost) {
    auto others = lost;
    others.erase(id);
    const auto& m = members_.at(id);
    if (m.deciding || retention(others).upto >= most)
      continue;
    const auto bytes = journal_.bytes_written - m.bytes_written_when_lost;
    decide(checkpoint_decision::excuse_member, id,
           "down for " + std::to_string((now_ - m.down_since).count() / 1000) + " s and " + std::to_string(bytes >> 20)
             + " MiB of journal");
  }
}

void checkpoint_controller::decide_about_members() {
  for (const auto& [id, m] : members_)
    if (m.excused && !m.deciding && m.alive && has_newest(m) && m.applied >= newest_id(self().images))
      decide(checkpoint_decision::readmit_member, id, "it has image " + std::to_string(newest_id(m.images)));
  excuse_the_lost();
  forget_leavers();
}

/// Else the mark would stay for ever.  Not at once: one whose address changes is gone from the group's list for a moment.
void checkpoint_controller::forget_leavers() {
  for (const auto& [id, left] : leavers_)
    if (!left.deciding && now_ - left.since >= options_.settle)
      decide(checkpoint_decision::readmit_member, id, "it left the group");
}

void checkpoint_controller::on(const decision_logged& e) {
  if (!is_about_member(e.what)) {
    pressure_deciding_ = false;
    log_uses_newest_ = e.what == checkpoint_decision::use_newest;
    return;
  }
  const bool is_marked = e.what == checkpoint_decision::excuse_member;
  if (const auto m = members_.find(e.member); m != members_.end()) {
    m->second.deciding = false;
    m->second.excused = is_marked;
  } else if (is_marked) { // It left meanwhile.
    leavers_[e.member].since = now_;
  } else {
    leavers_.erase(e.member);
  }
}

// -- the journal's deletion --------------------------------------------------------------

retention_verdict checkpoint_controller::retention(const std::set<node_id>& without) const {
  std::vector<retention_member> view;
  for (const auto& [id, m] : members_) // Who is being readmitted counts already.
    view.push_back({id, m.images, m.applied, (m.excused && !m.deciding) || without.contains(id)});
  return deletable(view, self_, is_pressed());
}

bool checkpoint_controller::wants_deletion() const {
  const auto upto = std::max(retention().upto, deleted_);
  return std::ranges::any_of(members_, [&](const auto& entry) { // Also when an order did not reach it.
    const auto& m = entry.second;
    const auto base = is_pressed() ? newest_id(m.images) : older_id(m.images);
    return m.alive && !m.excused && m.deleted < std::min({upto, base, m.applied});
  });
}

/// K8.  Also before an order is repeated: whoever follows an old leader would obey it.
void checkpoint_controller::ask_for_proof() {
  if (proof_ && now_ - proof_->asked >= options_.round_interval)
    proof_.reset();
  if (proof_ || now_ < proof_after_ || !self().alive || !wants_deletion())
    return;
  proof_ = {++proofs_, now_};
  proof_after_ = now_ + options_.round_interval;
  effects_.push_back(prove_leadership{proofs_});
}

void checkpoint_controller::delete_proved() {
  proof_.reset();
  deleted_ = std::max(deleted_, retention().upto); // As of now, not as of the question.
  for (auto& [id, m] : members_)
    if (m.alive && !m.excused && m.deleted < deleted_)
      effects_.push_back(delete_journal{id, epoch_, deleted_, is_pressed()});
}

} // namespace tabletd::model
