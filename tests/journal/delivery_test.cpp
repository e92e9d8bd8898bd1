// Replay meets live entries: every sink gets every committed entry once and in order,
// wherever it begins and whenever entries arrive.
#include "tests/journal/memory_log.h"

#include <random>

namespace tabletd {
namespace {

using namespace test;

/// A log of `n` edits e1..en behind the founding entry, several per term.
struct delivery_world {
  std::shared_ptr<memory_log> log = std::make_shared<memory_log>();
  std::unique_ptr<log_writer> writer;
  delivery out;
  int next_name = 1;

  explicit delivery_world(delivery_limits limits) : out(limits) { restart(limits); }

  void restart(delivery_limits limits) {
    auto parts = parts_over(log);
    writer = std::make_unique<log_writer>(log_writer_ports{parts.log, parts.core, parts.now});
    writer->open(parts.founders);
    out = delivery(limits);
    out.commit(writer->standing().committed_upto);
  }
  /// What the journal does: sends what is there, or reads it first.
  std::optional<committed_batch> next() {
    auto step = out.next();
    if (auto* batch = std::get_if<committed_batch>(&step))
      return std::move(*batch);
    const auto* range = std::get_if<delivery::read>(&step);
    if (!range)
      return std::nullopt;
    auto batch = writer->read(range->from, range->upto, out.limits());
    out.under_way(batch.edits.size());
    return batch;
  }
  void append(int count) {
    for (; count > 0; --count) {
      const auto edit = edit_named("e" + std::to_string(next_name++));
      const auto done = writer->turn(std::vector{edit});
      out.add({done.first, done.term, edit});
      out.commit(writer->standing().committed_upto);
    }
  }
  static std::string expected(std::uint64_t index) { return index == 1 ? "internal" : "e" + std::to_string(index - 1); }
};

struct sink_view {
  std::uint64_t next = 1;
  void take(const committed_batch& batch) {
    ASSERT_EQ(batch.first_index, next);
    ASSERT_FALSE(batch.edits.empty());
    for (const auto& edit : batch.edits)
      EXPECT_EQ(name_of(edit), delivery_world::expected(next++));
  }
};

TEST(Delivery, NothingWithoutASinkAndOneBatchAtATime) {
  delivery_world world({});
  world.append(3);
  EXPECT_FALSE(world.next());
  world.out.attach(1);
  EXPECT_TRUE(world.next());
  EXPECT_FALSE(world.next());
  world.out.answered();
  EXPECT_TRUE(world.next());
}

TEST(Delivery, WhatIsNotCommittedIsNotDelivered) {
  delivery out({});
  out.attach(1);
  for (std::uint64_t index = 1; index <= 3; ++index)
    out.add({index, 1, edit_named("x")});
  EXPECT_TRUE(std::holds_alternative<delivery::nothing>(out.next()));
  out.commit(2);
  const auto step = out.next();
  ASSERT_TRUE(std::holds_alternative<committed_batch>(step));
  EXPECT_EQ(std::get<committed_batch>(step).edits.size(), 2u);
}

TEST(Delivery, BatchesAreBoundedByCountBytesAndTerm) {
  const delivery_limits limits{.batch_entries = 3, .batch_bytes = 1U << 20};
  delivery_world world(limits);
  world.append(4);
  world.restart(limits);
  world.append(2);
  world.out.attach(1);
  std::vector<std::pair<std::uint64_t, std::size_t>> batches;  // term, entries
  while (auto batch = world.next()) {
    batches.emplace_back(batch->term, batch->edits.size());
    world.out.answered();
  }
  EXPECT_EQ(batches, (std::vector<std::pair<std::uint64_t, std::size_t>>{{1, 1}, {2, 3}, {2, 1}, {3, 2}}));
  EXPECT_LE(world.log->reads_max, 7u);  // The opening scan; a delivery reads one entry too many.
}

TEST(Delivery, AnEntryLargerThanABatchStillGoes) {
  delivery_world world({.batch_entries = 100, .batch_bytes = 1});
  world.append(3);
  world.out.attach(2);
  for (int i = 0; i < 3; ++i) {
    const auto batch = world.next();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->edits.size(), 1u);
    world.out.answered();
  }
}

TEST(Delivery, RandomSinksSeeEveryEntryOnceAndInOrder) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const auto dice = [&](unsigned sides) { return rng() % sides; };
    const delivery_limits limits{.batch_entries = 1 + dice(7), .batch_bytes = 1 + dice(2'000)};
    delivery_world world(limits);
    sink_view sink;
    bool under_way = false;
    std::optional<committed_batch> batch;
    for (int i = 0; i < 200; ++i) {
      switch (dice(12)) {
        case 0:  // A new sink, from anywhere it may begin.
          sink.next = 1 + dice(static_cast<unsigned>(world.log->last_index()) + 1);
          world.out.attach(sink.next);
          under_way = false;
          break;
        case 1:
          world.out.detach();
          under_way = false;
          break;
        case 2:
          if (dice(10) == 0) {
            world.restart(limits);
            under_way = false;
          }
          break;
        case 3:
        case 4:
        case 5:
        case 6:
          world.append(1 + static_cast<int>(dice(4)));
          break;
        default:
          if (under_way) {
            sink.take(*batch);
            world.out.answered();
            under_way = false;
          } else if ((batch = world.next())) {
            under_way = true;
          }
      }
      if (testing::Test::HasFailure())
        return;
    }
    world.out.attach(sink.next);  // At the end somebody reads it all.
    while ((batch = world.next())) {
      sink.take(*batch);
      world.out.answered();
    }
    EXPECT_EQ(sink.next, world.log->last_index() + 1);
  }
}

}  // namespace
}  // namespace tabletd
