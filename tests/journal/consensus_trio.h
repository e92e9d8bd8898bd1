#pragma once
// Three members with a network and disks that do only what the test says: for scripted histories.
// A fourth may join.
#include "tests/journal/consensus_host.h"

#include <gtest/gtest.h>

#include <array>

namespace tabletd::test {

struct trio {
  std::array<std::unique_ptr<consensus_host>, 4> hosts;
  model::time_ms now{100'000};
  std::vector<envelope> mail;  ///< Sent and not yet delivered, oldest first.
  std::vector<std::pair<model::node_id, model::node_id>> cut;

  explicit trio(mutant broken_promise = mutant::none) {
    const auto founding = libraft_core({.self = 1}).founding_entry({{1, "fe1"}, {2, "fe2"}, {3, "fe3"}});
    for (model::node_id id = 1; id <= hosts.size(); ++id) {
      hosts[id - 1] = std::make_unique<consensus_host>(
          libraft_options{.self = id, .seed = static_cast<std::uint32_t>(id)}, broken_promise);
      if (id <= 3) {
        node(id).disk.ballot = {1, 0};
        node(id).disk.log = {{founding, ""}};
      }
      node(id).start(now);
    }
  }
  consensus_host& node(model::node_id id) { return *hosts[id - 1]; }

  /// Moves what the members want to send into `mail`.
  void collect() {
    for (auto& host : hosts) {
      for (auto& each : host->outbox)
        if (std::ranges::find(cut, std::pair{each.from, each.to}) == cut.end())
          mail.push_back(std::move(each));
      host->outbox.clear();
    }
  }
  void isolate(model::node_id who) {
    for (model::node_id other = 1; other <= hosts.size(); ++other)
      cut.insert(cut.end(), {{who, other}, {other, who}});
  }
  /// Delivers and writes until nothing is left to do.
  void settle() {
    for (collect(); !mail.empty(); collect()) {
      const auto next = mail.front();
      mail.erase(mail.begin());
      node(next.to).receive(next, now);
      write_all();
    }
  }
  void write_all() {
    for (auto& host : hosts)
      host->complete_writes(now);
  }
  /// Delivers what waits from `from` to `to`, and nothing that comes of it.
  void deliver(model::node_id from, model::node_id to) {
    collect();
    for (auto& each : std::exchange(mail, {}))
      if (each.from == from && each.to == to)
        node(to).receive(each, now);
      else
        mail.push_back(std::move(each));
  }
  void lose_mail() {
    collect();
    mail.clear();
  }
  void tick_all() {
    for (auto& host : hosts)
      host->tick(now);
  }
  /// Time for everybody, and all that comes of it.
  void pass(model::time_ms span) {
    for (const auto end = now + span; now < end;) {
      now += std::chrono::milliseconds{50};
      tick_all();
      write_all();
      settle();
    }
  }
  /// Only `id`'s clock says that the leader is gone.  The others forget a leader they have.
  void elect(model::node_id id) {
    for (auto& host : hosts)
      if (!host->leads() && host != hosts[id - 1])
        host->start(now);
    now += std::chrono::milliseconds{2'500};
    node(id).tick(now);
    settle();
    write_all();
    settle();
  }
  [[nodiscard]] std::string broken() const {
    for (const auto& host : hosts)
      if (!host->broken.empty())
        return host->broken;
    return {};
  }
};

struct consensus_trio : testing::Test, trio {
  void TearDown() override { EXPECT_EQ(broken(), ""); }
};

}  // namespace tabletd::test
