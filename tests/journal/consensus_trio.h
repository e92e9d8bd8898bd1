#pragma once
// Three members with a network and disks that do only what the test says: for scripted histories.
#include "tests/journal/consensus_host.h"

#include <array>

namespace tabletd::test {

struct consensus_trio : testing::Test {
  std::array<std::unique_ptr<consensus_host>, 3> hosts;
  model::time_ms now{100'000};
  std::vector<envelope> mail;  ///< Sent and not yet delivered, oldest first.

  consensus_trio() {
    const auto founding = libraft_core({.self = 1}).founding_entry({{1, "fe1"}, {2, "fe2"}, {3, "fe3"}});
    for (model::node_id id = 1; id <= 3; ++id) {
      hosts[id - 1]
          = std::make_unique<consensus_host>(libraft_options{.self = id, .seed = static_cast<std::uint32_t>(id)});
      node(id).disk.ballot = {1, 0};
      node(id).disk.log = {{founding, ""}};
      node(id).start(now);
    }
  }
  consensus_host& node(model::node_id id) { return *hosts[id - 1]; }

  /// Moves what the members want to send into `mail`.
  void collect() {
    for (auto& host : hosts) {
      mail.insert(mail.end(), host->outbox.begin(), host->outbox.end());
      host->outbox.clear();
    }
  }
  /// Delivers and writes until nothing is left to do.
  void settle() {
    for (collect(); !mail.empty(); collect()) {
      const auto next = mail.front();
      mail.erase(mail.begin());
      node(next.to).receive(next, now);
      node(next.to).complete_writes(now);
      node(next.from).complete_writes(now);
    }
  }
  void lose_mail() {
    collect();
    mail.clear();
  }
  void pass(model::time_ms span) { now += span; }
  void tick_all() {
    for (auto& host : hosts)
      host->tick(now);
  }
  /// Only `id`'s clock says that the leader is gone.  The others forget a leader they have.
  void elect(model::node_id id) {
    for (auto& host : hosts)
      if (!host->leads() && host != hosts[id - 1])
        host->start(now);
    pass(std::chrono::milliseconds{2'500});
    node(id).tick(now);
    settle();
    ASSERT_TRUE(node(id).leads());
  }
};

}  // namespace tabletd::test
