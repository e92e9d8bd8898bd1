#pragma once
// The least a host must do for a consensus_core, in memory: one node's disk and what it
// has applied.  Writes complete when the test says so, so that everything may happen between.
// A mutant host breaks one promise; a test that is worth anything finds it.
#include "actors/journal/libraft_core.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
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
  std::uint64_t first = 1;
  std::vector<stored_entry> log;  ///< Entry i at [i - first].
  std::optional<model::snapshot_point> snapshot;
  std::vector<std::string> image;  ///< What the snapshot stands for.

  [[nodiscard]] std::uint64_t last() const { return first + log.size() - 1; }
  void write(std::uint64_t from, const std::vector<stored_entry>& entries) {
    log.resize(from - first);
    log.insert(log.end(), entries.begin(), entries.end());
  }
  void restart(std::uint64_t at) {
    first = at;
    log.clear();
  }
  void trim(std::uint64_t first_kept) {
    if (first_kept <= first)
      return;
    log.erase(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(std::min(first_kept - first, log.size())));
    first = first_kept;
  }
  [[nodiscard]] model::started as_event() const {
    model::started event{ballot, {}, {}, first, snapshot};
    for (auto index = first; index <= last(); ++index) {
      const auto& header = log[index - first].header;
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
  std::vector<std::string> image;  ///< Of an offer: what the receiver may fetch.
};

/// One broken promise each (design/journal.md 3 and 10).
enum class mutant {
  none,
  stale_leader_gets_an_acknowledgement,  ///< P2
  overtaken_write_is_reported,           ///< P6
  denied_pre_vote_hides_the_term,        ///< P8
  acknowledges_before_durable,           ///< I4
  votes_before_durable,                  ///< I6
  acknowledges_an_unverified_tail,       ///< T2
  commits_old_terms_by_counting,         ///< T1, figure 8
  commit_is_not_capped,                  ///< T4
  confirms_every_leader,                 ///< Of whatever term, to read.
};

class consensus_host {
public:
  explicit consensus_host(libraft_options options, mutant broken_promise = mutant::none)
      : options_(options), mutant_(broken_promise) {}

  stable_storage disk;
  std::vector<std::string> applied;  ///< Commands, in order; those of the image included.
  std::vector<envelope> outbox;
  model::update last;       ///< Of the last step.
  std::optional<model::confirmed_reads> confirmed;  ///< The newest; of any step.
  std::string broken;       ///< The first promise of the core that did not hold.
  std::size_t installed{};  ///< Images put in place since the first start.

  [[nodiscard]] model::node_id id() const { return options_.self; }
  [[nodiscard]] bool leads() const { return last.role == model::consensus_role::leader; }
  [[nodiscard]] std::uint64_t last_index() const { return first_ + log_.size() - 1; }
  [[nodiscard]] std::vector<stored_entry> entries_from(std::uint64_t index) const {
    return {log_.begin() + static_cast<std::ptrdiff_t>(index - first_), log_.end()};
  }
  [[nodiscard]] std::uint64_t applied_upto() const { return applied_upto_; }
  [[nodiscard]] const libraft_core& core() const { return *core_; }
  [[nodiscard]] std::size_t pending_writes() const { return writes_.size(); }
  [[nodiscard]] bool is_fetching() const { return fetching_.has_value(); }

  /// Also after a crash: of what was not reported as written, only the first `writes_kept` are there.
  void start(model::time_ms now, std::size_t writes_kept = 0) {
    for (std::size_t i = 0; i < writes_kept && i < writes_.size(); ++i)
      carry_out(writes_[i]);
    if (mutant_ == mutant::votes_before_durable)
      disk.ballot = std::exchange(durable_ballot_, {}).value_or(disk.ballot);
    core_ = std::make_unique<libraft_core>(options_);
    writes_.clear();
    fetching_.reset();
    acked_.clear();
    confirmed.reset();
    first_ = disk.first;
    log_ = disk.log;
    applied = disk.image;
    applied_upto_ = disk.snapshot ? disk.snapshot->index : 0;
    feed(disk.as_event(), {}, now);
  }
  /// False: refused.
  bool propose(const std::vector<std::string>& commands, model::time_ms now) {
    feed(model::proposed{static_cast<std::uint32_t>(commands.size())}, commands, now);
    return !last.refused;
  }
  void receive(const envelope& mail, model::time_ms now) {
    if (const auto* answer = std::get_if<model::append_result>(&mail.what); answer && answer->rejected == 0)
      acked_[mail.from] = std::max(acked_[mail.from], answer->last_index);
    if (const auto* question = std::get_if<model::leader_asked>(&mail.what);
        question && mutant_ == mutant::confirms_every_leader)
      outbox.push_back({id(), mail.from, model::leader_confirmed{question->term, question->round}, {}, {}});
    offered_ = mail.image;
    feed(model::received{mail.from, mail.what}, mail.payloads, now);
  }
  void tick(model::time_ms now) { feed(model::ticked{}, {}, now); }
  void lose_link(model::node_id peer, model::time_ms now) { feed(model::unreachable{peer}, {}, now); }
  void lose_peer(model::node_id peer, model::time_ms now) { feed(model::peer_gone{peer}, {}, now); }
  bool transfer(model::node_id to, model::time_ms now) {
    feed(model::transfer_leadership{to}, {}, now);
    return !last.refused;
  }
  void read(std::uint64_t ticket, model::time_ms now) { feed(model::confirm_leader{ticket}, {}, now); }
  model::consensus_refusal change(const std::vector<model::member>& members, model::time_ms now) {
    feed(model::change_membership{members}, {}, now);
    return last.why;
  }
  /// An image of what is applied and durable; false: there is nothing new to put into one.
  bool take_snapshot(std::uint64_t trailing, model::time_ms now) {
    const auto upto = std::min(applied_upto_, durable_upto());
    if (upto != applied_upto_ || (disk.snapshot && upto <= disk.snapshot->index))
      return false;
    const auto point = core_->snapshot_at(upto);
    if (!point)
      return false;
    disk.snapshot = point;
    disk.image = applied;
    const auto first_kept = std::max(first_, upto > trailing ? upto - trailing + 1 : 1);
    feed(model::snapshot_taken{*point, first_kept}, {}, now);
    disk.trim(first_kept);
    log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(first_kept - first_));
    first_ = first_kept;
    return true;
  }
  /// The transfer of the image that was asked for ends.
  void finish_fetching(bool well, model::time_ms now) {
    if (!fetching_)
      return;
    const auto [wanted, image] = *std::exchange(fetching_, {});
    if (!well) {
      feed(model::install_failed{wanted.upto.index, wanted.upto.term}, {}, now);
      return;
    }
    const auto old_snapshot = disk.snapshot;
    const auto old_image = disk.image;
    if (!old_snapshot || old_snapshot->index < wanted.upto.index) {
      disk.snapshot = wanted.upto;
      disk.image = image;
    }
    feed(model::snapshot_installed{wanted.upto.index, wanted.upto.term}, {}, now);
    if (last.log_restarts_at != 0) {
      ++installed;
    } else if (wanted.upto.index <= applied_upto_) {  // The log got there by itself.
      feed(model::snapshot_taken{wanted.upto, first_}, {}, now);
    } else {
      disk.snapshot = old_snapshot;
      disk.image = old_image;
    }
  }
  /// Completes the oldest write; false: there is none.
  bool complete_write(model::time_ms now) {
    if (writes_.empty())
      return false;
    const auto write = std::move(writes_.front());
    writes_.pop_front();
    carry_out(write);
    if (!write.entries.empty() && mutant_ != mutant::acknowledges_before_durable)
      report(write, now);
    return true;
  }
  void complete_writes(model::time_ms now) {
    while (complete_write(now)) {
    }
  }

private:
  /// No entries: the log restarts at `first`.
  struct pending_write {
    std::uint64_t first{};
    std::vector<stored_entry> entries;
  };
  struct fetch {
    model::image_to_install wanted;
    std::vector<std::string> image;
  };

  void expect(bool holds, const char* what) {
    if (!holds && broken.empty())
      broken = std::string(what) + " on member " + std::to_string(id());
  }
  void carry_out(const pending_write& write) {
    if (write.entries.empty())
      disk.restart(write.first);
    else
      disk.write(write.first, write.entries);
  }
  [[nodiscard]] std::uint64_t durable_upto() const {
    auto upto = disk.last();
    for (const auto& write : writes_)
      upto = std::min(upto, write.first - 1);
    return upto;
  }
  void report(const pending_write& write, model::time_ms now) {
    const auto end = write.first + write.entries.size() - 1;
    auto term = write.entries.back().header.term;
    if (mutant_ == mutant::overtaken_write_is_reported && end >= first_ && end <= last_index())
      term = log_[end - first_].header.term;
    feed(model::persisted{end, term}, {}, now);
  }
  void feed(const model::consensus_event& event, const std::vector<std::string>& payloads, model::time_ms now) {
    last = core_->step(event, now);
    if (last.confirmed)
      confirmed = last.confirmed;
    if (broken.empty())
      broken = last.fault;
    if (last.ballot) {
      if (mutant_ == mutant::votes_before_durable && !durable_ballot_)
        durable_ballot_ = disk.ballot;
      disk.ballot = *last.ballot;
    } else if (std::holds_alternative<model::ticked>(event)) {
      durable_ballot_.reset();
    }
    if (last.log_restarts_at != 0)
      restart_log();
    std::optional<pending_write> reported;
    if (last.entries)
      reported = write(*last.entries, payloads);
    for (auto& sent : last.messages)
      outbox.push_back(address(mutate(std::move(sent), event)));
    if (last.install)
      fetching_ = fetch{*last.install, offered_};
    apply(event);
    if (reported && mutant_ == mutant::acknowledges_before_durable)
      report(*reported, now);
  }
  void restart_log() {
    const auto at = last.log_restarts_at;
    expect(disk.snapshot && disk.snapshot->index + 1 == at, "the log restarts where no image ends");
    expect(at - 1 >= applied_upto_, "an image takes back what was applied");
    writes_.push_back({at, {}});
    first_ = at;
    log_.clear();
    applied = disk.image;
    applied_upto_ = at - 1;
  }
  pending_write write(const model::entries_to_persist& wanted, const std::vector<std::string>& payloads) {
    pending_write write{wanted.first, {}};
    for (std::size_t i = 0; i < wanted.headers.size(); ++i) {
      const bool ours = wanted.source == model::payload_source::core;
      write.entries.push_back({wanted.headers[i], ours ? "" : payloads.at(wanted.skip + i)});
    }
    expect(wanted.first >= first_ && wanted.first <= last_index() + 1, "a gap in the log");
    expect(wanted.first > applied_upto_, "an applied entry is replaced");
    if (!broken.empty())
      return write;
    log_.resize(wanted.first - first_);
    log_.insert(log_.end(), write.entries.begin(), write.entries.end());
    writes_.push_back(write);
    return write;
  }
  envelope address(model::outbound sent) {
    envelope mail{id(), sent.to, std::move(sent.what), {}, {}};
    if (auto* request = std::get_if<model::append_request>(&mail.what))
      for (std::uint64_t i = 1; i <= request->count && broken.empty(); ++i) {
        const auto index = request->prev_index + i;
        expect(index >= first_ && index <= last_index(), "an entry is sent that the log has not got");
        if (!broken.empty())
          break;
        const auto& entry = log_[index - first_];
        request->entries.push_back(entry.header);
        mail.payloads.push_back(entry.payload);
      }
    if (auto* offer = std::get_if<model::install_snapshot>(&mail.what)) {
      expect(disk.snapshot && disk.snapshot->index == offer->last_index, "an image is offered that is not there");
      offer->image = {offer->last_index, disk.image.size(), 0};
      mail.image = disk.image;
    }
    return mail;
  }
  void apply(const model::consensus_event& event) {
    const auto upto = committed(event);
    expect(upto <= last_index(), "more is committed than there is");
    for (; applied_upto_ < upto && broken.empty(); ++applied_upto_) {
      expect(applied_upto_ + 1 >= first_, "an entry is committed that the log has not got");
      const auto& entry = log_[applied_upto_ + 1 - first_];
      if (entry.header.type == model::entry_type::command)
        applied.push_back(entry.payload);
    }
  }

  // -- broken promises -------------------------------------------------------------------
  model::outbound mutate(model::outbound sent, const model::consensus_event& event) const {
    const auto* incoming = std::get_if<model::received>(&event);
    const auto* asked = incoming ? std::get_if<model::append_request>(&incoming->what) : nullptr;
    const auto* vote = incoming ? std::get_if<model::vote_request>(&incoming->what) : nullptr;
    if (auto* answer = std::get_if<model::append_result>(&sent.what)) {
      if (mutant_ == mutant::stale_leader_gets_an_acknowledgement && asked && asked->term < last.term)
        *answer = {answer->term, 0, last_index() + 3};
      if (mutant_ == mutant::acknowledges_an_unverified_tail && answer->rejected == 0)
        answer->last_index = std::max(answer->last_index, durable_upto());
    }
    if (auto* answer = std::get_if<model::vote_result>(&sent.what))
      if (mutant_ == mutant::denied_pre_vote_hides_the_term && vote && vote->pre_vote && !answer->granted)
        answer->term = vote->term;
    return sent;
  }
  [[nodiscard]] std::uint64_t committed(const model::consensus_event& event) const {
    auto upto = last.committed_upto;
    if (mutant_ == mutant::commits_old_terms_by_counting && leads()) {
      std::vector<std::uint64_t> held{durable_upto()};
      const auto members = core_->members();
      for (const auto& each : members)
        if (each.id != id() && each.voter)
          held.push_back(acked_.contains(each.id) ? acked_.at(each.id) : 0);
      std::ranges::sort(held);
      upto = std::max(upto, std::min(held[(held.size() - 1) / 2], last_index()));
    }
    if (const auto* incoming = std::get_if<model::received>(&event);
        mutant_ == mutant::commit_is_not_capped && incoming)
      if (const auto* request = std::get_if<model::append_request>(&incoming->what);
          request && request->term == last.term)
        upto = std::max(upto, std::min(request->leader_commit, last_index()));
    return upto;
  }

  libraft_options options_;
  mutant mutant_;
  std::unique_ptr<libraft_core> core_;
  std::uint64_t first_ = 1;
  std::vector<stored_entry> log_;  ///< Including what is still being written.
  std::deque<pending_write> writes_;
  std::uint64_t applied_upto_ = 0;
  std::vector<std::string> offered_;
  std::optional<fetch> fetching_;
  std::optional<model::ballot> durable_ballot_;    ///< What a mutant finds after a crash.
  std::map<model::node_id, std::uint64_t> acked_;  ///< For a mutant that counts by itself.
};

}  // namespace tabletd::test
