#pragma once
// The least a host must do for a consensus_core, in memory: one node's disk and what it
// has applied.  Writes complete when the test says so, so that everything may happen between.
#include "actors/journal/libraft_core.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace tabletd::test {

struct stored_entry {
  model::entry_header header;
  std::string payload;  ///< Of a command.
  friend bool operator==(const stored_entry&, const stored_entry&) = default;
};

/// What survives a crash.
struct stable_storage {
  model::ballot ballot;
  std::vector<stored_entry> log;  ///< Entry i at [i - 1].

  void write(std::uint64_t first, const std::vector<stored_entry>& entries) {
    ASSERT_LE(first, log.size() + 1) << "a gap in the log";
    log.resize(first - 1);
    log.insert(log.end(), entries.begin(), entries.end());
  }
  [[nodiscard]] model::started as_event() const {
    model::started event{ballot, {}, {}};
    for (std::uint64_t index = 1; index <= log.size(); ++index) {
      const auto& header = log[index - 1].header;
      if (event.runs.empty() || event.runs.back().term != header.term)
        event.runs.push_back({header.term, index});
      event.runs.back().last = index;
      if (header.type == model::entry_type::change)
        event.changes.push_back({index, header.membership});
    }
    return event;
  }
};

/// A message with the payloads the core never sees.
struct envelope {
  model::node_id from{};
  model::node_id to{};
  model::message what;
  std::vector<std::string> payloads;
};

class consensus_host {
public:
  explicit consensus_host(libraft_options options) : options_(options) {}

  stable_storage disk;
  std::vector<std::string> applied;  ///< Commands, in order, since the last start.
  std::vector<envelope> outbox;
  model::update last;  ///< Of the last step.

  [[nodiscard]] bool leads() const { return last.role == model::consensus_role::leader; }
  [[nodiscard]] std::uint64_t last_index() const { return log_.size(); }

  /// Also after a crash: everything that is not on the disk is forgotten.
  void start(model::time_ms now) {
    core_ = std::make_unique<libraft_core>(options_);
    log_ = disk.log;
    writes_.clear();
    applied.clear();
    applied_upto_ = 0;
    feed(disk.as_event(), {}, now);
  }
  /// False: refused.
  bool propose(const std::vector<std::string>& commands, model::time_ms now) {
    feed(model::proposed{static_cast<std::uint32_t>(commands.size())}, commands, now);
    return !last.refused;
  }
  void receive(const envelope& mail, model::time_ms now) {
    feed(model::received{mail.from, mail.what}, mail.payloads, now);
  }
  void tick(model::time_ms now) { feed(model::ticked{}, {}, now); }
  void lose_link(model::node_id peer, model::time_ms now) { feed(model::unreachable{peer}, {}, now); }
  /// Completes the oldest write; false: there is none.
  bool complete_write(model::time_ms now) {
    if (writes_.empty())
      return false;
    const auto write = std::move(writes_.front());
    writes_.pop_front();
    disk.write(write.first, write.entries);
    feed(model::persisted{write.first + write.entries.size() - 1, write.entries.back().header.term}, {}, now);
    return true;
  }
  void complete_writes(model::time_ms now) {
    while (complete_write(now)) {
    }
  }

private:
  struct pending_write {
    std::uint64_t first{};
    std::vector<stored_entry> entries;
  };

  void feed(const model::consensus_event& event, const std::vector<std::string>& payloads, model::time_ms now) {
    last = core_->step(event, now);
    EXPECT_EQ(last.fault, "");
    if (last.ballot)
      disk.ballot = *last.ballot;
    if (last.entries)
      write(*last.entries, payloads);
    for (auto& sent : last.messages)
      outbox.push_back(address(std::move(sent)));
    apply();
  }
  void write(const model::entries_to_persist& wanted, const std::vector<std::string>& payloads) {
    pending_write write{wanted.first, {}};
    for (std::size_t i = 0; i < wanted.headers.size(); ++i) {
      const bool ours = wanted.source == model::payload_source::core;
      write.entries.push_back({wanted.headers[i], ours ? "" : payloads.at(wanted.skip + i)});
    }
    ASSERT_LE(wanted.first, log_.size() + 1);
    ASSERT_GT(wanted.first, applied_upto_) << "an applied entry is replaced";
    log_.resize(wanted.first - 1);
    log_.insert(log_.end(), write.entries.begin(), write.entries.end());
    writes_.push_back(std::move(write));
  }
  envelope address(model::outbound sent) {
    envelope mail{options_.self, sent.to, std::move(sent.what), {}};
    if (auto* request = std::get_if<model::append_request>(&mail.what))
      for (std::uint64_t i = 0; i < request->count; ++i) {
        const auto& entry = log_.at(request->prev_index + i);
        request->entries.push_back(entry.header);
        mail.payloads.push_back(entry.payload);
      }
    return mail;
  }
  void apply() {
    ASSERT_LE(last.committed_upto, log_.size());
    for (; applied_upto_ < last.committed_upto; ++applied_upto_)
      if (log_[applied_upto_].header.type == model::entry_type::command)
        applied.push_back(log_[applied_upto_].payload);
  }

  libraft_options options_;
  std::unique_ptr<libraft_core> core_;
  std::vector<stored_entry> log_;  ///< Including what is still being written.
  std::deque<pending_write> writes_;
  std::uint64_t applied_upto_ = 0;
};

}  // namespace tabletd::test
