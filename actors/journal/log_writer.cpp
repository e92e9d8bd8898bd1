// See log_writer.h.
#include "actors/journal/log_writer.h"

#include <fmt/format.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace tabletd {

namespace {

/// Of one message to a follower; one entry always fits (design/journal.md 9.6).
constexpr std::uint64_t request_bytes_max = 1U << 20;
constexpr std::uint64_t rows_per_trim = 2'000;  ///< Of one turn (design/journal.md 9.3).

std::span<const std::byte> bytes_of(const edit_message& edit) {
  const auto bytes = edit.words().asBytes();
  return {reinterpret_cast<const std::byte*>(bytes.begin()), bytes.size()};
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// SQLite's bytes have no alignment, and Cap'n Proto wants words.
edit_message parse(const std::string& path, std::uint64_t index, std::span<const std::byte> bytes) {
  if (bytes.empty())
    return {};
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  try {
    KJ_REQUIRE(bytes.size() % sizeof(capnp::word) == 0, "not a whole number of words");
    std::memcpy(words.asBytes().begin(), bytes.data(), bytes.size());
    return edit_message::parse(words);
  } catch (const kj::Exception& error) {
    throw storage_error(storage_fault::corrupt, path,
                        fmt::format("entry {} of {} is no edit ({}); it was written by other "
                                    "software, rebuild this node from its peers",
                                    index, path, error.getDescription().cStr()));
  }
}

tail_entry parse(const std::string& path, std::uint64_t index, const log_entry& entry) {
  tail_entry read;
  read.header = {entry.term, static_cast<model::entry_type>(entry.type), {}};
  if (read.header.type == model::entry_type::command)
    read.edit = parse(path, index, entry.bytes);
  else if (read.header.type == model::entry_type::change)
    read.header.membership.assign(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size());
  return read;
}

}  // namespace

void log_writer::open(const std::vector<model::member>& founders, const start_image& from) {
  auto& log = *ports_.log;
  if (log.last_index() == 0 && from.image.id == 0 && !founders.empty())
    found(founders);
  if (log.first_index() > from.image.id + 1)
    throw storage_error(storage_fault::corrupt, log.path(),
                        fmt::format("{} begins at entry {} and there is no sound image of what came before; put an "
                                    "image back, or let this node join under a new node.id",
                                    log.path(), log.first_index()));
  model::started event;
  const auto held = log.load_hard_state();
  event.ballot = {held.term, held.vote};
  event.first_index = log.first_index();
  log.replay(log.first_index(), [&](std::uint64_t index, const log_entry& entry) {
    if (event.runs.empty() || event.runs.back().term != entry.term)
      event.runs.push_back({entry.term, index});
    event.runs.back().last = index;
    if (entry.type == static_cast<std::uint16_t>(model::entry_type::change))
      event.changes.push_back({index, {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()}});
    return true;
  });
  if (from.image.id != 0)
    event.snapshot = point_of(from.image.id);
  image_ = from.image;
  core_begins_ = log.first_index();
  tail_.restart(log.last_index() + 1);
  if (event.snapshot)
    note_change(event.snapshot->membership_index, event.snapshot->membership);
  for (const auto& change : event.changes)
    if (changes_.empty() || change.index > changes_.back().index)
      note_change(change.index, change.membership);
  step(event);
  persist();
  look_at_members();
  changed_from_ = restarted_at_ = 0;
}

/// Saved when the image was put in place.
model::snapshot_point log_writer::point_of(std::uint64_t index) const {
  for (const auto& point : ports_.log->image_points())
    if (point.index == index)
      return {point.index, point.term, point.membership_index, point.membership};
  throw std::logic_error(fmt::format("the image of entry {} is unknown to {}", index, ports_.log->path()));
}

void log_writer::found(const std::vector<model::member>& founders) {
  auto& log = *ports_.log;
  if (log.load_hard_state().term > 1)
    throw storage_error(storage_fault::corrupt, log.path(),
                        fmt::format("this node has voted in term {} but {} is empty, so that file "
                                    "was lost; put it back, or rebuild the node from its peers",
                                    log.load_hard_state().term, log.path()));
  const auto founding = ports_.core->founding_entry(founders);
  log.save_hard_state({founding.term, 0});  // First: no entry may be of a term we do not know of.
  const log_entry entry{founding.term, static_cast<std::uint16_t>(founding.type), bytes_of(founding.membership)};
  log.append(1, {&entry, 1});
}

log_turn log_writer::turn(const proposals_fn& propose, std::span<peer_word> words) {
  const auto end_before = tail_.end();
  changed_from_ = restarted_at_ = 0;
  install_.reset();
  install_is_over_ = false;
  orders_.clear();
  confirmed_.reset();
  if (!is_alone_ && ports_.now() >= standing_.next_tick)
    step(model::ticked{});
  static_cast<void>(is_refusing());  // Whoever looks at it next finds it up to date.
  for (const auto& word : words)
    take(word);
  bool refused = false;
  const auto proposals = propose(standing_);
  if (!proposals.empty()) {
    step(model::proposed{static_cast<std::uint32_t>(proposals.size())}, proposals);
    refused = standing_.refused;
  }
  persist();
  auto done = finish(end_before, refused ? 0 : proposals.size());
  done.refused = refused;
  done.restarted_at = restarted_at_;
  done.install = std::move(install_);
  done.install_is_over = install_is_over_;
  done.orders = std::move(orders_);
  done.confirmed = confirmed_;
  look_at_members();
  trim();
  tail_.shrink(is_alone_ ? 0 : ports_.tail_bytes_max, ports_.log->last_index());
  ports_.memory->set(model::memory_category::cached, tail_.bytes());
  return done;
}

void log_writer::take(const peer_word& word) {
  std::visit(model::overloaded{
                 [this](const raft_mail& mail) { take(mail); },
                 [this](const link_renewed& link) { step(model::unreachable{link.peer}); },
                 [this](const link_refused& link) { step(model::peer_gone{link.peer}); },
                 [this](const image_kept& kept) { take(kept); },
                 [this](const install_ended& ended) { take(ended); },
                 [this](const change_members& wanted) { take(wanted); },
                 [this](const hand_over& wanted) { take(wanted); },
                 [this](const model::confirm_leader& read) { step(read); },
                 [this](const trim_wanted& wanted) { trim_upto_ = std::max(trim_upto_, wanted.upto); },
             },
             word);
}

/// Too far behind with applying, and not yet half way back.
bool log_writer::is_refusing() const {
  auto& refusing = ports_.memory->is_refusing;
  const auto bytes = ports_.memory->not_applied_bytes.load();
  // What is not committed cannot be applied, and the entry that commits it may be one of those refused.
  if (!ports_.memory->is_behind || bytes <= ports_.backlog_bytes_max / 2)
    refusing = false;
  else if (bytes > ports_.backlog_bytes_max)
    refusing = true;
  return refusing;
}

/// Term, contact and commit index of a message count in any case; the leader hears that this node is
/// busy with every word of it, and sends the entries again when it no longer is.
void log_writer::take(const raft_mail& mail) {
  const auto* request = std::get_if<model::append_request>(&mail.what);
  if (!request || request->entries.empty() || !is_refusing())
    return step(model::received{mail.peer, mail.what}, mail.edits);
  auto heartbeat = *request;
  heartbeat.entries.clear();
  heartbeat.count = 0;
  ++ports_.memory->refused_appends;
  step(model::received{mail.peer, heartbeat});
}

/// From here on the core sends an image to members that lack what came before the older one, so
/// that the log may lose it whenever trim_wanted says so.
void log_writer::take(const image_kept& kept) {
  if (kept.image.id == image_.id)
    image_ = kept.image;  // Other bytes of the same content: all members hold those of the leader.
  if (kept.image.id <= image_.id)
    return;
  const auto point = ports_.core->snapshot_at(kept.image.id);
  if (!point)
    return;  // The log was replaced meanwhile, by a newer image.
  persist();
  const auto oldest = kept.older == 0 ? point->index : kept.older;
  ports_.log->save_image_point({point->index, point->term, point->membership_index, point->membership}, oldest);
  image_ = kept.image;
  if (kept.older == 0)
    return;
  core_begins_ = std::max(core_begins_, kept.older + 1);
  step(model::snapshot_taken{*point, core_begins_});
}

void log_writer::take(const install_ended& ended) {
  persist();  // What was to be written comes before the image.
  install_is_over_ = true;
  if (!ended.is_in_place)
    return step(model::install_failed{ended.upto.index, ended.upto.term});
  restarting_ = &ended;
  step(model::snapshot_installed{ended.upto.index, ended.upto.term});
  restarting_ = nullptr;
}

void log_writer::take(const change_members& wanted) {
  step(model::change_membership{wanted.members});
  orders_.push_back({true, standing_.why, standing_.refused ? 0 : tail_.end() - 1});
}

void log_writer::take(const hand_over& wanted) {
  step(model::transfer_leadership{wanted.to});
  orders_.push_back({false, standing_.why, 0});
}

void log_writer::note_change(std::uint64_t index, std::string_view membership) {
  changes_.push_back({index, false, ports_.core->decode_membership(membership).value_or(std::vector<model::member>{})});
}

/// The founding entry counts as committed wherever it is.
void log_writer::look_at_members() {
  if (changes_.empty())
    return;
  const auto committed = std::max<std::uint64_t>(standing_.committed_upto, 1);
  while (changes_.size() > 2 || (changes_.size() == 2 && changes_[1].index <= committed))
    changes_.erase(changes_.begin());
  changes_.front().is_committed = true;
  group_news now{changes_.back(), changes_.front()};
  if (now != members_) {
    members_ = std::move(now);
    ports_.members(members_);
  }
  const auto& group = members_.newest.members;
  is_alone_ = standing_.role == model::consensus_role::leader && group.size() == 1 && group.front().id == standing_.leader;
}

/// A little with every turn, so that no commit waits long for it.
void log_writer::trim() {
  auto& log = *ports_.log;
  const auto upto = std::min({trim_upto_, core_begins_ - 1, log.last_index()});
  if (log.first_index() <= upto)
    log.truncate_prefix(std::min(upto + 1, log.first_index() + rows_per_trim));
}

void log_writer::step(const model::consensus_event& event, std::span<const edit_message> edits) {
  standing_ = ports_.core->step(event, ports_.now());
  if (!standing_.fault.empty())
    throw storage_error(storage_fault::corrupt, ports_.log->path(), standing_.fault);
  if (standing_.ballot)
    ports_.log->save_hard_state({standing_.ballot->term, standing_.ballot->vote});
  if (standing_.log_restarts_at != 0)
    restart();
  if (standing_.install)
    install_ = std::exchange(standing_.install, std::nullopt);
  if (standing_.confirmed)
    confirmed_ = standing_.confirmed;
  if (standing_.entries)
    append(*standing_.entries, edits);
  for (auto& sent : standing_.messages)
    post(std::move(sent));
  standing_.messages.clear();
}

/// The image is in place; what the log held is of another history, or older.
void log_writer::restart() {
  if (restarting_ == nullptr)
    throw storage_error(storage_fault::corrupt, ports_.log->path(),
                        fmt::format("{} ends before the image this node has; put back the log that belongs to it, or "
                                    "let this node join under a new node.id",
                                    ports_.log->path()));
  const auto& upto = restarting_->upto;
  ports_.log->restart({upto.index, upto.term, upto.membership_index, upto.membership});
  image_ = restarting_->image;
  core_begins_ = restarted_at_ = upto.index + 1;
  tail_.restart(core_begins_);
  changes_.clear();
  note_change(upto.membership_index, upto.membership);
  unwritten_from_ = changed_from_ = 0;
}

void log_writer::append(const model::entries_to_persist& entries, std::span<const edit_message> edits) {
  const auto first = entries.first;
  tail_.cut(first);
  std::erase_if(changes_, [first](const logged_members& change) { return change.index >= first; });
  unwritten_from_ = unwritten_from_ == 0 ? first : std::min(unwritten_from_, first);
  changed_from_ = changed_from_ == 0 ? first : std::min(changed_from_, first);
  for (std::size_t i = 0; i < entries.headers.size(); ++i) {
    tail_entry entry{entries.headers[i], {}};
    if (entries.source != model::payload_source::core && entry.header.type == model::entry_type::command)
      entry.edit = edits[entries.skip + i];
    if (entry.header.type == model::entry_type::change)
      note_change(first + i, entry.header.membership);
    tail_.add(std::move(entry));
  }
}

/// Writes what is not on the disk and tells the core, whose answer may be messages.
void log_writer::persist() {
  while (unwritten_from_ != 0) {
    const auto first = std::exchange(unwritten_from_, 0);
    std::vector<log_entry> rows;
    rows.reserve(tail_.end() - first);
    for (auto index = first; index < tail_.end(); ++index) {
      const auto& [header, edit] = tail_.at(index);
      rows.push_back({header.term, static_cast<std::uint16_t>(header.type),
                      header.type == model::entry_type::command ? bytes_of(edit) : bytes_of(header.membership)});
    }
    ports_.log->append(first, rows);
    step(model::persisted{tail_.end() - 1, rows.back().term});
  }
}

log_turn log_writer::finish(std::uint64_t end_before, std::size_t proposals) {
  log_turn done;
  if (changed_from_ == 0)
    return done;
  if (changed_from_ < end_before)
    done.replaced_from = changed_from_;
  const auto first_proposal = tail_.end() - proposals;
  for (auto index = changed_from_; index < first_proposal; ++index)
    done.received.push_back({index, tail_.at(index).header.term, tail_.at(index).edit});
  if (proposals > 0) {
    done.first = first_proposal;
    done.term = tail_.at(first_proposal).header.term;
  }
  return done;
}

void log_writer::post(model::outbound sent) {
  if (const auto* request = std::get_if<model::append_request>(&sent.what); request && request->count > 0)
    return post_request(sent.to, *request);
  if (auto* offer = std::get_if<model::install_snapshot>(&sent.what))
    offer->image = image_;
  ports_.post({sent.to, std::move(sent.what), {}});
}

/// In messages of a bounded size; the core takes each for a request of its own.  What the link does not
/// take is not even read: the core sends it again when the link is renewed.
void log_writer::post_request(model::node_id to, const model::append_request& request) {
  auto prev_index = request.prev_index;
  auto prev_term = request.prev_term;
  const auto upto = request.prev_index + request.count;
  while (prev_index < upto && ports_.takes(to)) {
    raft_mail mail{to, {}, {}};
    model::append_request part{request.term, prev_index, prev_term, request.leader_commit, 0, {}};
    std::uint64_t bytes = 0;
    const auto take = [&](const tail_entry& entry) {
      const auto size = entry.edit.words().asBytes().size() + entry.header.membership.size();
      if (!part.entries.empty() && bytes + size > request_bytes_max)
        return false;
      bytes += size;
      prev_term = entry.header.term;
      ++prev_index;
      part.entries.push_back(entry.header);
      mail.edits.push_back(entry.edit);
      return true;
    };
    if (prev_index + 1 < tail_.begin())
      read_back(prev_index + 1, std::min(upto, tail_.begin() - 1), take);
    while (prev_index < upto && prev_index + 1 >= tail_.begin() && take(tail_.at(prev_index + 1))) {
    }
    if (part.entries.empty())
      return;  // The log no longer has them: the core will offer an image.
    part.count = static_cast<std::uint32_t>(part.entries.size());
    mail.what = std::move(part);
    ports_.post(std::move(mail));
  }
}

/// Until `take` has enough.
void log_writer::read_back(std::uint64_t from, std::uint64_t upto,
                           const std::function<bool(const tail_entry&)>& take) const {
  ports_.log->replay(from, [&](std::uint64_t index, const log_entry& entry) {
    return take(parse(ports_.log->path(), index, entry)) && index < upto;
  });
}

committed_batch log_writer::read(std::uint64_t from, std::uint64_t upto, delivery_limits limits) const {
  batch_builder batch(from, limits);
  if (from < ports_.log->first_index())
    return batch.finish();  // An image took the place of the log meanwhile.
  ports_.log->replay(from, [&](std::uint64_t index, const log_entry& entry) {
    return batch.take({index, entry.term, parse(ports_.log->path(), index, entry).edit}) && index < upto;
  });
  return batch.finish();
}

}  // namespace tabletd
