// What a log must be like to be opened, and what opening does to it.
#include "tests/journal/memory_log.h"

namespace tabletd {
namespace {

using namespace test;

struct LogWriterTest : testing::Test {
  std::shared_ptr<memory_log> log = std::make_shared<memory_log>();
  std::unique_ptr<log_writer> writer;

  void open() {
    auto parts = parts_over(log);
    writer = std::make_unique<log_writer>(log_writer_ports{parts.log, parts.core, parts.now});
    writer->open(parts.founders);
  }
  std::string refusal() {
    try {
      open();
    } catch (const storage_error& error) {
      return error.what();
    }
    return "it was opened";
  }
  std::vector<std::string> names(std::uint64_t from, std::uint64_t upto) {
    const auto batch = writer->read(from, upto, {});
    EXPECT_EQ(batch.first_index, from);
    std::vector<std::string> read;
    for (const auto& edit : batch.edits)
      read.push_back(name_of(edit));
    return read;
  }
};

TEST_F(LogWriterTest, FoundsAGroupOfOneInAnEmptyLog) {
  open();
  ASSERT_EQ(log->rows.size(), 1u);
  EXPECT_EQ(log->rows[0].term, 1u);
  EXPECT_EQ(log->rows[0].type, static_cast<std::uint16_t>(model::entry_type::change));
  EXPECT_EQ(log->load_hard_state().term, 2u);
  EXPECT_EQ(log->load_hard_state().vote, 1u);
  EXPECT_EQ(writer->standing().term, 2u);
  EXPECT_EQ(writer->standing().committed_upto, 1u);
}

TEST_F(LogWriterTest, ARestartContinuesInANewTerm) {
  open();
  const std::vector<edit_message> edits{edit_named("a"), edit_named("b")};
  const auto done = writer->turn(edits);
  ASSERT_FALSE(done.refused);
  EXPECT_EQ(done.first, 2u);
  EXPECT_EQ(done.term, 2u);
  EXPECT_EQ(done.replaced_from, 0u);
  EXPECT_TRUE(done.received.empty());
  open();
  EXPECT_EQ(writer->standing().term, 3u);
  EXPECT_EQ(writer->standing().committed_upto, 3u);
  EXPECT_EQ(names(1, 1), (std::vector<std::string>{"internal"}));  // Of term 1.
  EXPECT_EQ(names(2, 3), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(names(2, 2), (std::vector<std::string>{"a"}));
  EXPECT_EQ(writer->turn(edits).term, 3u);
  EXPECT_EQ(names(4, 5), (std::vector<std::string>{"a", "b"}));
}

TEST_F(LogWriterTest, ADiskThatFailsWhileFoundingLeavesSomethingToFoundAgain) {
  for (int writes = 0; writes < 3; ++writes) {  // Term, entry, own term.
    log->fail_in = writes;
    EXPECT_NE(refusal().find("the test says so"), std::string::npos);
  }
  log->fail_in = -1;
  open();
  EXPECT_EQ(log->rows.size(), 1u);
}

TEST_F(LogWriterTest, RefusesALogThatWasLost) {
  open();
  log->rows.clear();
  EXPECT_NE(refusal().find("voted in term 2 but memory.db is empty"), std::string::npos) << refusal();
}

TEST_F(LogWriterTest, RefusesBytesThatAreNoEdit) {
  open();
  ASSERT_EQ(writer->turn(std::vector{edit_named("a")}).first, 2u);
  log->rows[1].bytes.resize(3);
  EXPECT_THROW(names(2, 2), storage_error);
  log->rows[1].bytes.assign(64, std::byte{0xff});
  EXPECT_THROW(names(2, 2), storage_error);
}

/// spec/jobs.md D-C 11: 250 edits in transactions of 100, 100 and 50; the second one fails.
TEST_F(LogWriterTest, V11NothingOfAFailedTransactionIsVisible) {
  open();
  const auto batch = [](std::size_t edits) { return std::vector(edits, edit_named("x")); };
  ASSERT_FALSE(writer->turn(batch(999)).refused);
  EXPECT_EQ(writer->turn(batch(100)).first, 1'001u);
  log->fail_in = 0;
  EXPECT_THROW(std::ignore = writer->turn(batch(100)), storage_error);
  EXPECT_EQ(writer->standing().committed_upto, 1'100u);
  EXPECT_EQ(log->rows.size(), 1'100u);
  log->fail_in = -1;
  open();  // As the next process does.
  EXPECT_EQ(writer->turn(batch(100)).first, 1'101u);
  EXPECT_EQ(writer->turn(batch(50)).first, 1'201u);
  EXPECT_EQ(writer->standing().committed_upto, 1'250u);
}

}  // namespace
}  // namespace tabletd
