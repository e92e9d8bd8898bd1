#include "actors/model/cooldown_handler.h"

#include <algorithm>
#include <tuple>

namespace tabletd::model {

namespace {

std::string name_of(replica_id replica) { return "replica " + std::to_string(raw(replica)); }

const cooling_replica* find(const cooling_tablet& tablet, replica_id replica) {
  const auto found = std::ranges::find(tablet.replicas, replica, &cooling_replica::replica);
  return found == tablet.replicas.end() ? nullptr : &*found;
}

bool can_upload(const cooling_replica& replica) { return replica.alive && !replica.bad && !replica.clone; }

std::string seconds_text(time_ms span) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s";
}

remote_meta_id published_id(const cooldown_conf& conf) {
  return conf.published ? conf.published->id : remote_meta_id{};
}

}  // namespace

const char* word_of(cooldown_phase phase) {
  switch (phase) {
    case cooldown_phase::waiting:
      return "waiting";
    case cooldown_phase::uploading:
      return "uploading";
    case cooldown_phase::following:
      return "following";
    case cooldown_phase::cooled:
      return "cooled";
    case cooldown_phase::stuck:
      return "stuck";
    case cooldown_phase::recalling:
      return "recalling";
  }
  return "unknown";
}

cooldown_effects cooldown_handler::step(const cooling_tablet& tablet, const cooldown_event& event, time_ms now) {
  cooldown_effects effects;
  note_term(tablet.conf, now);
  note_gap(tablet, now);
  if (proposed_ != 0 && tablet.conf.term >= proposed_)
    proposed_ = 0;
  std::visit(overloaded{
                 [&](const cooldown_reported& e) { on(tablet, e, now, effects); },
                 [&](const cooldown_ticked&) { look_after_uploader(tablet, now, effects); },
                 [&](const conf_not_logged& e) { proposed_ = e.term == proposed_ ? 0 : proposed_; },
                 [&](const publication_asked& e) {
                   const auto verdict = judge_publication(tablet.conf, e.replica, e.term, e.meta, tablet.recalled);
                   if (verdict == publication_verdict::accepted)
                     effects.emplace_back(propose_publication{e});
                   else if (verdict != publication_verdict::term_unknown)
                     effects.emplace_back(refuse_publication{e.request, verdict});
                 },
                 [&](const deletion_asked& e) {
                   if (auto why = why_not_deletable(tablet, e); why.empty())
                     effects.emplace_back(confirm_deletion{e});
                   else
                     effects.emplace_back(refuse_deletion{e.request, std::move(why)});
                 },
             },
             event);
  return effects;
}

void cooldown_handler::on(const cooling_tablet& tablet, const cooldown_reported& e, time_ms now,
                          cooldown_effects& effects) {
  if (find(tablet, e.replica) == nullptr || e.term > tablet.conf.term)
    return;  // Not of this tablet any more; or it knows what this log does not, which changes nothing (D-B8).
  std::erase_if(heard_, [&](const auto& entry) {
    const auto replica = entry.first;
    return find(tablet, replica) == nullptr && replica != tablet.conf.uploader && replica != former_;
  });
  heard_[e.replica] = {now, e};
  look_after_uploader(tablet, now, effects);
  // While its end is on the way into the log, a tenure must not be prolonged: it could outlast the decision.
  if (e.replica == tablet.conf.uploader && proposed_ == 0)
    effects.emplace_back(acknowledge_report{e.replica, e.report, tablet.conf.term});
  if (e.term < tablet.conf.term || e.published < published_id(tablet.conf))
    effects.emplace_back(push_conf{e.replica, tablet.conf});
}

void cooldown_handler::look_after_uploader(const cooling_tablet& tablet, time_ms now, cooldown_effects& effects) {
  if (proposed_ != 0)
    return;
  const auto& conf = tablet.conf;
  const auto* uploader = find(tablet, conf.uploader);
  const bool safe = now >= safe_to_grant(conf);
  // A hole is mended by a clone, as a rule; after a recall rowsets may lie so that only another one's can be published.
  const bool is_lame = raw(gap_at_) != 0 && now - gap_since_ >= patience_;
  if (uploader != nullptr && can_upload(*uploader) && !safe && !is_lame)
    return;
  const auto next = choose(tablet);
  if (raw(next) == 0 || (is_lame && !safe && !find(tablet, next)->complete))
    return;
  if (safe)
    propose(tablet, next, effects);
  else if (uploader != nullptr && uploader->alive) {
    former_ = uploader->replica;
    former_heard_ = heard_.contains(former_) ? heard_.at(former_).at : began_;
    propose(tablet, replica_id{}, effects);
  }
}

void cooldown_handler::note_term(const cooldown_conf& conf, time_ms now) {
  if (seen_term_ == conf.term)
    return;
  seen_at_ = seen_term_ ? now : began_;
  seen_term_ = conf.term;
}

void cooldown_handler::note_gap(const cooling_tablet& tablet, time_ms now) {
  const auto* uploader = find(tablet, tablet.conf.uploader);
  const auto lame = uploader != nullptr && !uploader->complete ? uploader->replica : replica_id{};
  if (lame != gap_at_)
    gap_since_ = now;
  gap_at_ = lame;
}

void cooldown_handler::propose(const cooling_tablet& tablet, replica_id uploader, cooldown_effects& effects) {
  proposed_ = tablet.conf.term + 1;
  effects.emplace_back(propose_conf{uploader, proposed_});
}

time_ms cooldown_handler::safe_to_grant(const cooldown_conf& conf) const {
  if (conf.term == 0)
    return began_;  // There never was an uploader.
  if (raw(conf.uploader) != 0) {
    const auto found = heard_.find(conf.uploader);
    return (found == heard_.end() ? seen_at_ : std::max(seen_at_, found->second.at)) + patience_;
  }
  if (raw(former_) == 0)
    return began_ + patience_;  // Revoked by an earlier leader: whom, and when it heard of it, is not known here.
  const auto found = heard_.find(former_);
  const bool knows = found != heard_.end() && found->second.said.term >= conf.term;
  return knows ? began_ : std::max(began_, former_heard_) + patience_;
}

replica_id cooldown_handler::choose(const cooling_tablet& tablet) const {
  const cooling_replica* best = nullptr;
  for (const auto& candidate : tablet.replicas) {
    if (!can_upload(candidate) || candidate.replica == tablet.conf.uploader)
      continue;  // The uploader that is to be replaced has not been heard of for too long, or cannot upload.
    const auto rank = [&](const cooling_replica& r) {
      return std::tuple(r.complete, r.replica == former_, remote_last_of(r.replica), ~raw(r.replica));
    };
    if (best == nullptr || rank(candidate) > rank(*best))
      best = &candidate;
  }
  return best == nullptr ? replica_id{} : best->replica;
}

version cooldown_handler::remote_last_of(replica_id replica) const {
  const auto found = heard_.find(replica);
  return found == heard_.end() ? version_initial : found->second.said.remote_last;
}

std::string cooldown_handler::why_not_deletable(const cooling_tablet& tablet, const deletion_asked& asked) const {
  const auto& conf = tablet.conf;
  if (asked.replica != conf.uploader || asked.term != conf.term)
    return name_of(asked.replica) + " is not the uploader of term " + std::to_string(conf.term);
  if (!conf.published || conf.published->id != asked.id)
    return "another set is published than the one asked about";
  if (tablet.replicas.size() < tablet.replication_num)
    return "the tablet has " + std::to_string(tablet.replicas.size()) + " of " + std::to_string(tablet.replication_num)
           + " replicas";
  if (tablet.clone_under_way)
    return "a clone is under way; it may carry an older set";
  for (const auto& replica : tablet.replicas) {
    const auto found = heard_.find(replica.replica);
    if (!replica.alive)
      return name_of(replica.replica) + " is not alive";
    if (found == heard_.end() || found->second.said.term != conf.term)
      return name_of(replica.replica) + " has not reported in term " + std::to_string(conf.term);
    if (found->second.said.id != asked.id)
      return name_of(replica.replica) + " has not reported the published set";
  }
  return {};
}

/// Of a recall whose uploader is in office; `row` says whether a replica is behind what is published.
cooldown_standing cooldown_handler::recall_standing(const cooling_tablet& tablet, cooldown_standing row) const {
  if (row.phase == cooldown_phase::recalling)
    return row;
  if (tablet.conf.published && !is_recall(*tablet.conf.published))
    return {cooldown_phase::recalling, "the uploader is about to take back what it published", row.lag};
  return {cooldown_phase::waiting, "for nothing: all of it is local", row.lag};
}

cooldown_standing cooldown_handler::standing(const cooling_tablet& tablet, time_ms now) const {
  cooldown_standing row;
  auto lowest = tablet.visible, highest = version_initial;
  for (const auto& replica : tablet.replicas) {
    lowest = std::min(lowest, remote_last_of(replica.replica));
    highest = std::max(highest, remote_last_of(replica.replica));
  }
  row.lag = tablet.recalled ? highest - version_initial : tablet.visible - lowest;
  const auto* uploader = find(tablet, tablet.conf.uploader);
  if (uploader == nullptr || !can_upload(*uploader)) {
    row.phase = cooldown_phase::stuck;
    const auto safe = safe_to_grant(tablet.conf);
    row.why = raw(choose(tablet)) == 0 ? "no replica is alive, complete and sound"
              : now < safe ? "the last uploader may believe in its lease for another " + seconds_text(safe - now)
                           : "an uploader is about to be chosen";
    if (now >= safe && raw(choose(tablet)) != 0)
      row.phase = cooldown_phase::waiting;
    return row;
  }
  for (const auto& replica : tablet.replicas) {
    const auto found = heard_.find(replica.replica);
    if (found != heard_.end() && found->second.said.phase == cooldown_phase::stuck) {
      row.phase = cooldown_phase::stuck;
      row.why = name_of(replica.replica) + ": " + found->second.said.why;
      return row;
    }
  }
  for (const auto& replica : tablet.replicas) {
    const auto found = heard_.find(replica.replica);
    if (found == heard_.end() || found->second.said.id < published_id(tablet.conf)) {
      row.phase = tablet.recalled ? cooldown_phase::recalling : cooldown_phase::following;
      row.why = name_of(replica.replica) + (found == heard_.end() ? " has not reported yet"
                                           : tablet.recalled    ? " has not brought its rowsets home yet"
                                                                : " has not followed yet");
    }
  }
  if (tablet.recalled)
    return recall_standing(tablet, row);
  const auto found = heard_.find(uploader->replica);
  if (found != heard_.end() && found->second.said.phase == cooldown_phase::uploading)
    row = {cooldown_phase::uploading, {}, row.lag};
  else if (row.phase == cooldown_phase::waiting)
    row = row.lag == 0 ? cooldown_standing{cooldown_phase::cooled, {}, 0}
                       : cooldown_standing{cooldown_phase::waiting, "for rowsets to become due", row.lag};
  return row;
}

}  // namespace tabletd::model
