// The uploader's jobs that end in a publication: cooling rowsets, compacting the remote ones, taking them to another
// store.  The rest: cooldown_replica.cpp, cooldown_cleanup.cpp.
#include "actors/model/cooldown_replica.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tabletd::model {

/// It names no object that a cleanup could delete while the answer is not known, and asked again it is the very same:
/// so nothing of it is saved before.
void cooldown_replica::ask_recall() {
  ask(nothing_remote({conf_->term, 1 + std::max(facts_->disk.id.seq, published_id().seq)}), std::nullopt);
}

// -- putting -------------------------------------------------------------------------------

/// A set lies in one store.  While the policy names another than that, nothing new is put into either.
void cooldown_replica::upload_or_clean_up() {
  const auto& disk = facts_->disk;
  if (facts_->recall)
    return recall_or_clean_up();
  const auto place = facts_->resource;
  const bool cools = raw(place) != 0 && facts_->rule;
  if (is_behind()) {
    if (!cools || !begin_upload())
      follow();
    return;
  }
  if (disk.id != published_id())
    return;  // A late push, heard after a restart, says less than the disk: nor where its set lies.  Reports bring a newer.
  const auto lies_in = conf_->published && !is_recall(*conf_->published) ? conf_->published->resource : place;
  if (cools && lies_in != place)
    return begin_move();
  if (republish_wanted_ && !disk.remote.empty())
    return begin_publication(lies_in, disk.remote, {});
  republish_wanted_ = false;
  if (cools && begin_upload())
    return;
  // A merge that fails again and again must not keep a tablet from being cleaned up.
  if (begin_cleanup() || !cools)
    return;
  (void)begin_compaction();
}

void cooldown_replica::recall_or_clean_up() {
  if (!conf_->published)
    return;  // Nothing ever was remote.
  if (!is_recall(*conf_->published))
    return ask_recall();
  if (facts_->disk.id == published_id())
    (void)begin_cleanup();
}

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
      puts.push_back({0, std::move(object), rowset.first_version, rowset.last_version, facts_->resource});
  }
  begin_publication(facts_->resource, std::move(rowsets), std::move(puts));
  return true;
}

namespace {

/// Puts what comes of `run` into `to`, if it has rows; returns it.
remote_rowset put_run(std::vector<put_segment>& puts, std::span<const remote_rowset> run, const object_writer& writer,
                      resource_id from, resource_id to) {
  auto all = merged(run, segment_object(writer, run.front().first_version, run.back().last_version));
  if (!all.object.empty())
    puts.push_back({0, all.object, all.first_version, all.last_version, to, {run.begin(), run.end()}, from});
  return all;
}

}  // namespace

bool cooldown_replica::begin_compaction() {
  const auto& remote = facts_->disk.remote;
  const auto run = choose_compaction(remote, options_.compaction);
  if (!run)
    return false;
  const auto first = remote.begin() + static_cast<std::ptrdiff_t>(run->first);
  const auto end = first + static_cast<std::ptrdiff_t>(run->count);
  std::vector<put_segment> puts;
  std::vector<remote_rowset> rowsets(remote.begin(), first);
  rowsets.push_back(put_run(puts, {first, end}, {self_, conf_->term, facts_->nonce}, facts_->resource, facts_->resource));
  rowsets.insert(rowsets.end(), end, remote.end());
  begin_publication(facts_->resource, std::move(rowsets), std::move(puts));
  return true;
}

/// Everything under new names, in one publication.  The old place is cleaned up like any other, once everybody follows.
void cooldown_replica::begin_move() {
  const auto& remote = facts_->disk.remote;
  const object_writer writer{self_, conf_->term, facts_->nonce};
  std::vector<put_segment> puts;
  std::vector<remote_rowset> rowsets;
  for (const auto& run : copy_runs(remote, options_.compaction))
    rowsets.push_back(put_run(puts, std::span(remote).subspan(run.first, run.count), writer,
                              conf_->published->resource, facts_->resource));
  begin_publication(facts_->resource, std::move(rowsets), std::move(puts));
}

void cooldown_replica::begin_publication(resource_id to, std::vector<remote_rowset> rowsets,
                                         std::vector<put_segment> puts) {
  ++job_;
  for (auto& put : puts)
    put.job = job_;
  const object_writer writer{self_, conf_->term, facts_->nonce};
  const remote_meta_id id{conf_->term, 1 + std::max(facts_->disk.id.seq, published_id().seq)};
  state_ = uploading{.writer = writer,
                     .puts = std::move(puts),
                     .meta = {tablet_, self_, id, to, std::move(rowsets)},
                     .meta_name = meta_object(writer, id.seq)};
  put_next();
}

/// Gigabytes into a store that the policy has left meanwhile would travel for nothing.
bool cooldown_replica::may_put() const {
  const auto& upload = std::get<uploading>(state_);
  const bool place_left = upload.is_move() && raw(facts_->resource) != 0 && facts_->resource != upload.meta.resource;
  return !stop_wanted_ && !place_left && leads(now_);
}

void cooldown_replica::put_next() {
  if (!may_put())
    return abandon_upload();
  auto& upload = std::get<uploading>(state_);
  if (upload.next < upload.puts.size())
    effects_.push_back(upload.puts[upload.next]);
  else
    effects_.emplace_back(put_meta{job_, upload.meta_name, upload.meta});
}

/// Nobody has been asked to publish anything of it, so nobody can ever need it.
void cooldown_replica::abandon_upload() {
  const auto& upload = std::get<uploading>(state_);
  discard_objects discard{{}, upload.meta.resource};
  for (std::size_t i = 0; i < upload.puts.size() && i <= upload.next; ++i)
    discard.objects.push_back(upload.puts[i].object);
  discard.objects.push_back(upload.meta_name);
  effects_.push_back(std::move(discard));
  end_job();
}

/// What has been put of something large is not thrown away for one request that failed.  Under another name: nobody
/// knows whether the store did it.
bool cooldown_replica::wait_for_another_attempt(const std::string& why) {
  auto& upload = std::get<uploading>(state_);
  const bool is_piece = upload.is_move() && upload.next > 0 && upload.next < upload.puts.size();
  if (!is_piece || ++upload.attempts >= options_.piece_attempts_max || !may_put())
    return false;
  effects_.emplace_back(discard_objects{{upload.puts[upload.next].object}, upload.meta.resource});
  ++job_;
  why_stuck_ = why;
  upload.again_at = now_ + options_.work_interval * (options_.rest_intervals << (upload.attempts - 1));
  return true;
}

void cooldown_replica::try_piece_again() {
  auto& upload = std::get<uploading>(state_);
  if (!upload.again_at)
    return;
  if (!may_put())
    return abandon_upload();
  if (now_ < *upload.again_at)
    return;
  upload.again_at.reset();
  auto& piece = upload.puts[upload.next];
  const auto named = std::ranges::find(upload.meta.rowsets, piece.object, &remote_rowset::object);
  upload.writer.nonce = facts_->nonce;
  piece.object = named->object = segment_object(upload.writer, piece.first_version, piece.last_version);
  for (auto& put : upload.puts)
    put.job = job_;
  put_next();
}

void cooldown_replica::on(const cooldown_done& e) {
  if (e.job != job_)
    return;
  if (auto* upload = std::get_if<uploading>(&state_)) {
    ++upload->next;
    upload->attempts = 0;
    put_next();
  } else if (auto* saved = std::get_if<saving_asked>(&state_)) {
    ask(saved->published, std::move(saved->meta));
  } else if (in<forgetting>()) {
    end_job();
  } else if (in<saving_set>() || in<coming_home>()) {
    if (const auto* saved_set = std::get_if<saving_set>(&state_))
      clean_up_within(saved_set->frees_segments ? options_.sweep_intervals : options_.tidy_intervals);
    else
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
  if (in<uploading>()) {
    if (wait_for_another_attempt(e.why))
      return;
    abandon_upload();
  }
  if (in<asking>())
    return rest_after_question();  // The answer may also come with a conf.
  if (skip_store(e.why))
    return;
  fail_job(e.why);
}

// -- publishing ----------------------------------------------------------------------------

void cooldown_replica::on(const meta_written& e) {
  const auto* upload = std::get_if<uploading>(&state_);
  if (upload == nullptr || e.job != job_)
    return;
  if (!may_put())
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
      return rest_after_question();
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

}  // namespace tabletd::model
