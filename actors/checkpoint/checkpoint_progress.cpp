// See checkpoint_progress.h.
#include "actors/checkpoint/checkpoint_progress.h"

#include <fmt/format.h>

namespace tabletd {

namespace {

std::string text_of(const std::optional<model::checkpoint_controller::running_attempt>& running) {
  if (!running)
    return "none";
  const auto& id = running->id;
  const auto what = running->fetching   ? std::string{"its image is on the way to the leader"}
                    : running->accepted ? fmt::format("{} bytes written", running->progress.bytes_written)
                                        : std::string{"ordered"};
  return fmt::format("({}, #{}, {}) on fe {}: {}", id.epoch, id.attempt, id.journal_id, running->worker, what);
}

std::string text_of(const model::retention_verdict& verdict) {
  using limit = model::retention_limit;
  switch (verdict.limit) {
    case limit::none: return "nothing";
    case limit::no_image: return "the leader has no image";
    case limit::not_acked: return fmt::format("fe {} does not have the newest image", verdict.member);
    case limit::no_older: return fmt::format("fe {} has no older image to fall back to", verdict.member);
    case limit::older_image: return fmt::format("the older image of fe {}", verdict.member);
    case limit::applied: return fmt::format("what fe {} has applied", verdict.member);
  }
  return {};
}

} // namespace

std::string listed(const std::vector<model::image_mark>& images) {
  std::string text;
  for (const auto& each : images)
    text += fmt::format("{}{} ({} bytes)", text.empty() ? "" : ", ", each.id, each.bytes);
  return text.empty() ? "none" : text;
}

std::vector<std::pair<std::string, std::string>> rows_of(const checkpoint_sight& from) {
  std::vector<std::pair<std::string, std::string>> rows;
  const auto& c = from.controller;
  const auto& attempt = c.attempt();
  const auto verdict = c.retention();
  rows.emplace_back("Attempt", text_of(attempt));
  rows.emplace_back("LastEnding", from.last_ending);
  rows.emplace_back("BytesSinceImage", std::to_string(from.bytes_since_image));
  rows.emplace_back("DeletableUpto", std::to_string(verdict.upto));
  rows.emplace_back("DeletionBoundBy", text_of(verdict));
  for (const auto& [id, m] : c.members()) {
    rows.emplace_back(fmt::format("Fe{}Images", id), listed(m.images));
    rows.emplace_back(fmt::format("Fe{}State", id),
                      fmt::format("{}, applied {}, journal begins at {}{}", m.alive ? "alive" : "silent", m.applied,
                                  m.deleted + 1, m.excused ? ", needs full resync" : ""));
  }
  return rows;
}

} // namespace tabletd
