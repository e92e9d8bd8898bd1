// The uploader deletes what nobody needs, store by store (spec/jobs.md B9).  The rest: cooldown_replica.cpp.
//
// Every store that the leader tells of is looked into: what is published lay in another one before its policy changed,
// and a former uploader may still write where it last heard to.  No name is given twice, in whatever store, and the
// leader's confirmation says that everybody uses the published set; so an object that this set does not name is unused
// wherever it lies.  That what the set names is kept in the other stores too is for two resources that are one place.
#include "actors/model/cooldown_replica.h"

#include <algorithm>
#include <utility>

namespace tabletd::model {

/// Whether it was due.
bool cooldown_replica::begin_cleanup() {
  const bool due = !cleanup_after_ || now_ >= *cleanup_after_;
  if (!due || !conf_->published)
    return false;
  list_next();
  return true;
}

/// Not at once: nothing is confirmed before everybody has followed.
void cooldown_replica::clean_up_within(std::uint32_t intervals) {
  if (cleanup_after_)
    cleanup_after_ = std::min(*cleanup_after_, now_ + options_.work_interval * intervals);
}

/// The next store of the round, or the end of it.
void cooldown_replica::list_next() {
  auto next = conf_->published->resource;
  if (next <= cleaned_last_)
    next = {};
  const auto further = std::ranges::upper_bound(facts_->resources, cleaned_last_);
  if (further != facts_->resources.end() && (raw(next) == 0 || *further < next))
    next = *further;
  if (raw(next) != 0) {
    state_ = listing{next};
    effects_.emplace_back(list_objects{++job_, next});
    return;
  }
  cleaned_last_ = {};
  if (!skips_)
    why_skipped_.clear();
  cleanup_after_
      = now_ + (std::exchange(skips_, false) ? options_.work_interval * options_.rest_intervals_max
                                             : options_.cleanup_interval);
  end_job();
}

void cooldown_replica::on(const objects_listed& e) {
  const auto* listed = std::get_if<listing>(&state_);
  if (listed == nullptr || e.job != job_)
    return;
  const auto& disk = facts_->disk;
  if (!leads(now_) || !conf_->published || disk.id != conf_->published->id || disk.asked)
    return end_job();
  failures_ = 0;
  auto unused = plan_cleanup(e.objects, *conf_->published, disk.remote, {}, conf_->term);
  if (unused.empty()) {
    cleaned_last_ = listed->resource;
    return list_next();
  }
  // The confirmation is of an id of this term: a new uploader that has had nothing to upload publishes the same again.
  if (disk.id.term != conf_->term && is_recall(*conf_->published) && !facts_->recall) {
    cleanup_after_ = now_ + options_.work_interval * options_.rest_intervals;
    return end_job();  // The recall was taken back: the next rowset that cools is published in this term.
  }
  if (disk.id.term != conf_->term)
    return is_recall(*conf_->published) ? ask_recall() : begin_publication(conf_->published->resource, disk.remote, {});
  unused.resize(std::min(unused.size(), options_.cleanup_objects_max));
  effects_.emplace_back(ask_deletion{++job_, conf_->term, disk.id});
  state_ = confirming{listed->resource, std::move(unused), disk.id, conf_->term, now_};
}

void cooldown_replica::on(const deletion_answered& e) {
  auto* asked = std::get_if<confirming>(&state_);
  if (asked == nullptr || e.job != job_)
    return;
  if (!e.confirmed) {
    cleanup_after_ = now_ + options_.work_interval * options_.rest_intervals;
    return end_job();
  }
  state_ = deleting{std::move(*asked), 0};
  delete_next();
}

/// U7: looked at again before each object.
bool cooldown_replica::may_delete(const confirming& what) const {
  return !stop_wanted_ && leads(now_) && conf_->term == what.term && published_id() == what.id
         && facts_->disk.id == what.id && !facts_->disk.asked && now_ - what.asked_at < options_.deletion_patience;
}

void cooldown_replica::delete_next() {
  const auto& doomed = std::get<deleting>(state_);
  const bool all = doomed.next == doomed.what.objects.size();
  if (!all && may_delete(doomed.what)) {
    effects_.emplace_back(delete_object{job_, doomed.what.objects[doomed.next], doomed.what.resource});
    return;
  }
  cleanup_after_ = now_;
  if (!all || doomed.what.objects.size() == options_.cleanup_objects_max)
    return end_job();  // Some are left.
  cleaned_last_ = doomed.what.resource;
  if (stop_wanted_ || !leads(now_))
    return end_job();
  list_next();
}

/// A store that does not answer and that nobody reads from any more must not keep its successor from being used.
bool cooldown_replica::skip_store(const std::string& why) {
  const auto* listed = std::get_if<listing>(&state_);
  const auto* doomed = std::get_if<deleting>(&state_);
  if ((listed == nullptr && doomed == nullptr) || !conf_->published)
    return false;
  const auto store = listed != nullptr ? listed->resource : doomed->what.resource;
  if (store == conf_->published->resource)
    return false;
  cleaned_last_ = store;
  why_skipped_ = why;
  skips_ = true;
  end_job();
  return true;
}

}  // namespace tabletd::model
