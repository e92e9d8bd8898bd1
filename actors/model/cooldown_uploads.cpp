// The uploader's jobs: cooling rowsets, compacting the remote ones, deleting what nobody needs.  The rest:
// cooldown_replica.cpp.
#include "actors/model/cooldown_replica.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tabletd::model {

/// The uploader's next publication; false: there is nothing to publish, so it may clean up.
bool cooldown_replica::begin_work() {
  const auto& disk = facts_->disk;
  if (facts_->recall) {
    if (!conf_->published)
      return true;  // Nothing ever was remote.
    // Only the current term's publication can be cleaned up behind.
    const bool is_said = is_recall(*conf_->published) && (conf_->published->id.term == conf_->term || !is_cleanup_due());
    if (!is_said)
      ask_recall();
    return !is_said;
  }
  if (raw(facts_->resource) == 0 || !facts_->rule)
    return true;
  if (conf_->published && !is_recall(*conf_->published) && conf_->published->resource != facts_->resource) {
    why_stuck_ = "the policy's resource is not the one that holds the published set";
    return true;
  }
  if (is_behind()) {
    if (!begin_upload())
      follow();
    return true;
  }
  if (republish_wanted_ && !disk.remote.empty()) {
    begin_publication(disk.remote, {}, facts_->nonce);
    return true;
  }
  republish_wanted_ = false;
  return begin_upload() || begin_compaction();
}

/// It names no object that a cleanup could delete while the answer is not known, and asked again it is the very same:
/// so nothing of it is saved before.
void cooldown_replica::ask_recall() {
  ask(nothing_remote({conf_->term, 1 + std::max(facts_->disk.id.seq, published_id().seq)}), std::nullopt);
}

// -- putting -------------------------------------------------------------------------------

/// What an uploader takes that publishes its own rowsets in the place of those it cannot follow: to the end of what is
/// published, however much that is, or nothing.
next_to_cool cooldown_replica::choose_to_overtake() const {
  const auto& disk = facts_->disk;
  if (!disk.remote.empty() && disk.resource != facts_->resource)
    return {};  // A meta has one resource.
  const publication_limits all{std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::uint64_t>::max()};
  auto chosen = choose_next(disk.hot, last_version_of(disk.remote), *facts_->rule, all, facts_->wall);
  const auto reaches = [&](const hot_rowset& rowset) { return rowset.last_version >= conf_->published->last_version; };
  const auto last = std::ranges::find_if(chosen.rowsets, reaches);
  if (last == chosen.rowsets.end())
    return {};
  chosen.rowsets.erase(last + 1, chosen.rowsets.end());
  return chosen;
}

bool cooldown_replica::begin_upload() {
  const auto& disk = facts_->disk;
  const auto chosen = is_behind() ? choose_to_overtake()
                                  : choose_next(disk.hot, last_version_of(disk.remote), *facts_->rule,
                                                options_.limits, facts_->wall);
  if (chosen.gap)
    why_stuck_ = "version not continuous: version " + std::to_string(last_version_of(disk.remote) + 1) + " is not here";
  if (chosen.rowsets.empty())
    return false;
  const object_writer writer{self_, conf_->term, facts_->nonce};
  auto rowsets = disk.remote;
  std::vector<put_segment> puts;
  for (const auto& rowset : chosen.rowsets) {
    auto object
        = rowset.blocks == 0 ? std::string() : segment_object(writer, rowset.first_version, rowset.last_version);
    rowsets.push_back(
        {object, rowset.txn, rowset.first_version, rowset.last_version, rowset.rows, rowset.bytes, rowset.blocks});
    if (!object.empty())
      puts.push_back({0, std::move(object), rowset.first_version, rowset.last_version, {}});
  }
  begin_publication(std::move(rowsets), std::move(puts), facts_->nonce);
  return true;
}

bool cooldown_replica::begin_compaction() {
  const auto& remote = facts_->disk.remote;
  const auto with_rows = std::ranges::count_if(remote, [](const auto& rowset) { return rowset.blocks != 0; });
  if (static_cast<std::size_t>(with_rows) < options_.compaction_rowsets_min)
    return false;
  remote_rowset all{{}, txn_id{}, remote.front().first_version, remote.back().last_version, 0, 0, 0};
  for (const auto& rowset : remote) {
    all.rows += rowset.rows;
    all.bytes += rowset.bytes;
    all.blocks += rowset.blocks;
  }
  all.object = segment_object({self_, conf_->term, facts_->nonce}, all.first_version, all.last_version);
  begin_publication({all}, {put_segment{0, all.object, all.first_version, all.last_version, remote}}, facts_->nonce);
  return true;
}

void cooldown_replica::begin_publication(std::vector<remote_rowset> rowsets, std::vector<put_segment> puts,
                                         std::uint64_t nonce) {
  ++job_;
  for (auto& put : puts)
    put.job = job_;
  const object_writer writer{self_, conf_->term, nonce};
  const remote_meta_id id{conf_->term, 1 + std::max(facts_->disk.id.seq, published_id().seq)};
  state_ = uploading{writer,
                     std::move(puts),
                     0,
                     {tablet_, self_, id, facts_->resource, std::move(rowsets)},
                     meta_object(writer, id.seq)};
  put_next();
}

void cooldown_replica::put_next() {
  auto& upload = std::get<uploading>(state_);
  if (stop_wanted_ || !leads(now_))
    return abandon_upload();
  if (upload.next < upload.puts.size())
    effects_.push_back(upload.puts[upload.next]);
  else
    effects_.emplace_back(put_meta{job_, upload.meta_name, upload.meta});
}

/// Nobody has been asked to publish anything of it, so nobody can ever need it.
void cooldown_replica::abandon_upload() {
  const auto& upload = std::get<uploading>(state_);
  discard_objects discard;
  for (std::size_t i = 0; i < upload.puts.size() && i <= upload.next; ++i)
    discard.objects.push_back(upload.puts[i].object);
  discard.objects.push_back(upload.meta_name);
  effects_.push_back(std::move(discard));
  end_job();
}

void cooldown_replica::on(const cooldown_done& e) {
  if (e.job != job_)
    return;
  if (auto* upload = std::get_if<uploading>(&state_)) {
    ++upload->next;
    put_next();
  } else if (auto* saved = std::get_if<saving_asked>(&state_)) {
    ask(saved->published, std::move(saved->meta));
  } else if (in<forgetting>()) {
    end_job();
  } else if (in<saving_set>() || in<coming_home>()) {
    if (in<coming_home>())
      cleanup_after_.reset();  // Everything that is there is unused now, not some of it.
    end_job();
    failures_ = 0;
    why_stuck_.clear();
    if (std::exchange(reads_wait_, false))
      effects_.emplace_back(retry_reads{});
  } else if (auto* doomed = std::get_if<deleting>(&state_)) {
    ++doomed->next;
    delete_next();
  }
}

void cooldown_replica::on(const cooldown_failed& e) {
  if (e.job != job_ || in<idle>())
    return;
  if (in<uploading>())
    abandon_upload();
  if (in<asking>())
    return end_job();  // Asked again when it is due; the answer may also come with a conf.
  fail_job(e.why);
}

// -- publishing ----------------------------------------------------------------------------

void cooldown_replica::on(const meta_written& e) {
  const auto* upload = std::get_if<uploading>(&state_);
  if (upload == nullptr || e.job != job_)
    return;
  if (stop_wanted_ || !leads(now_))
    return abandon_upload();
  const auto& meta = upload->meta;
  published_meta published{meta.id, meta.resource, upload->meta_name, e.crc32c, last_version_of(meta.rowsets), e.bytes};
  for (const auto& rowset : meta.rowsets)
    published.bytes += rowset.bytes;
  effects_.emplace_back(save_asked{++job_, published});
  state_ = saving_asked{upload->meta, std::move(published)};
}

void cooldown_replica::ask(const published_meta& published, std::optional<remote_meta> meta) {
  effects_.emplace_back(ask_publication{++job_, published.id.term, published});
  state_ = asking{std::move(meta), published, now_};
}

void cooldown_replica::on(const publication_answered& e) {
  auto* asked = std::get_if<asking>(&state_);
  if (asked == nullptr || e.job != job_ || !conf_)
    return;
  if (e.verdict == publication_verdict::term_unknown)
    return;  // Of a leader that is behind; it is asked again when the answer is overdue.
  if (e.verdict != publication_verdict::accepted) {
    if (is_recall(asked->published))
      return end_job();
    state_ = forgetting{};
    effects_.emplace_back(forget_asked{++job_});
    return;
  }
  if (published_id() < asked->published.id)
    conf_->published = asked->published;
  if (is_recall(asked->published))
    conf_->recalled = std::max(conf_->recalled, asked->published.id);
  republish_wanted_ = false;
  if (asked->meta && published_id() == asked->published.id)
    return save(plan_follow(facts_->disk, *std::exchange(asked->meta, std::nullopt)));
  if (!is_behind())
    return end_job();  // A clone brought the set first.
  catch_up();
}

// -- cleanup -------------------------------------------------------------------------------

void cooldown_replica::on(const objects_listed& e) {
  if (!in<listing>() || e.job != job_)
    return;
  const auto& disk = facts_->disk;
  if (!leads(now_) || !conf_->published || disk.id != conf_->published->id || disk.asked)
    return end_job();
  failures_ = 0;
  auto unused = plan_cleanup(e.objects, *conf_->published, disk.remote, {}, conf_->term);
  if (unused.empty()) {
    cleanup_after_ = now_ + options_.cleanup_interval;
    return end_job();
  }
  unused.resize(std::min(unused.size(), options_.cleanup_objects_max));
  effects_.emplace_back(ask_deletion{++job_, conf_->term, disk.id});
  state_ = confirming{std::move(unused), disk.id, conf_->term, now_};
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
  if (all || !may_delete(doomed.what)) {
    const bool more = !all || doomed.what.objects.size() == options_.cleanup_objects_max;
    cleanup_after_ = more ? now_ : now_ + options_.cleanup_interval;
    return end_job();
  }
  effects_.emplace_back(delete_object{job_, doomed.what.objects[doomed.next]});
}

}  // namespace tabletd::model
