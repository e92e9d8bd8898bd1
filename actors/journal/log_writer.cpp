// See log_writer.h.
#include "actors/journal/log_writer.h"

#include <fmt/format.h>
#include <kj/exception.h>

#include <cstring>

namespace tabletd {

namespace {

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

}  // namespace

log_writer::log_writer(std::shared_ptr<edit_log> log, std::shared_ptr<model::consensus_core> core,
                       std::function<model::time_ms()> now)
    : log_(std::move(log)), core_(std::move(core)), now_(std::move(now)) {}

void log_writer::open(const std::vector<model::member>& founders) {
  if (log_->last_index() == 0)
    found(founders);
  if (log_->first_index() != 1)
    throw storage_error(storage_fault::unusable, log_->path(),
                        fmt::format("{} begins at entry {} and this build cannot start from an "
                                    "image; start the version that trimmed it",
                                    log_->path(), log_->first_index()));
  model::started event;
  const auto held = log_->load_hard_state();
  event.ballot = {held.term, held.vote};
  log_->replay(1, [&](std::uint64_t index, const log_entry& entry) {
    if (event.runs.empty() || event.runs.back().term != entry.term)
      event.runs.push_back({entry.term, index});
    event.runs.back().last = index;
    if (entry.type == static_cast<std::uint16_t>(model::entry_type::change))
      event.changes.push_back({index, {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()}});
    return true;
  });
  step(event);
  if (standing_.role != model::consensus_role::leader)
    throw storage_error(storage_fault::unusable, log_->path(),
                        fmt::format("{} belongs to a group of several members, and this build has "
                                    "no network between them; start the version that wrote it",
                                    log_->path()));
}

void log_writer::found(const std::vector<model::member>& founders) {
  if (log_->load_hard_state().term > 1)
    throw storage_error(storage_fault::corrupt, log_->path(),
                        fmt::format("this node has voted in term {} but {} is empty, so that file "
                                    "was lost; put it back, or rebuild the node from its peers",
                                    log_->load_hard_state().term, log_->path()));
  const auto founding = core_->founding_entry(founders);
  log_->save_hard_state({founding.term, 0});  // First: no entry may be of a term we do not know of.
  const log_entry entry{founding.term, static_cast<std::uint16_t>(founding.type), bytes_of(founding.membership)};
  log_->append(1, {&entry, 1});
}

std::optional<log_writer::range> log_writer::append(std::span<const edit_message> edits) {
  step(model::proposed{static_cast<std::uint32_t>(edits.size())}, edits);
  if (standing_.refused)
    return std::nullopt;
  const auto appended = appended_;  // Of this step; the next one tells the core of it.
  step(model::persisted{appended.first + edits.size() - 1, appended.term});
  return appended;
}

void log_writer::step(const model::consensus_event& event, std::span<const edit_message> edits) {
  standing_ = core_->step(event, now_());
  if (!standing_.fault.empty())
    throw storage_error(storage_fault::corrupt, log_->path(), standing_.fault);
  if (standing_.ballot)
    log_->save_hard_state({standing_.ballot->term, standing_.ballot->vote});
  if (standing_.entries)
    persist(*standing_.entries, edits);
}

void log_writer::persist(const model::entries_to_persist& entries, std::span<const edit_message> edits) {
  std::vector<log_entry> rows;
  rows.reserve(entries.headers.size());
  for (std::size_t i = 0; i < entries.headers.size(); ++i) {
    const auto& header = entries.headers[i];
    auto payload = bytes_of(header.membership);
    if (entries.source == model::payload_source::proposal)
      payload = bytes_of(edits[i]);
    rows.push_back({header.term, static_cast<std::uint16_t>(header.type), payload});
  }
  log_->append(entries.first, rows);
  appended_ = {entries.first, entries.headers.back().term};
}

committed_batch log_writer::read(std::uint64_t from, std::uint64_t upto, delivery_limits limits) const {
  batch_builder batch(from, limits);
  log_->replay(from, [&](std::uint64_t index, const log_entry& entry) {
    const bool is_edit = entry.type == static_cast<std::uint16_t>(model::entry_type::command);
    return batch.take({index, entry.term, is_edit ? parse(log_->path(), index, entry.bytes) : edit_message{}})
           && index < upto;
  });
  return batch.finish();
}

}  // namespace tabletd
