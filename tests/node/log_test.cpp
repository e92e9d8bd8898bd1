// The log's two faces, its counters, and who is silenced.
#include "node/log.h"
#include <gtest/gtest.h>
#include <sstream>

namespace tabletd {

namespace {

using namespace std::chrono_literals;

struct LogTest : ::testing::Test {
  std::ostringstream lines;
  void open(log_format format, bool has_journal = false, log_level least = log_level::info) {
    open_log({.least = least, .format = format, .role = "be", .node = "be1", .to = &lines, .has_journal = has_journal});
  }
  /// What was written, without the time stamp that starts each record.
  std::string take() {
    auto text = std::exchange(lines, std::ostringstream{}).str();
    return text;
  }
  void TearDown() override { open_log(log_options_of_process()); }
};

TEST_F(LogTest, JsonHasTypedFieldsAndTheNodesNames) {
  open(log_format::json);
  log(log_level::warn, "disk is full",
      {{"path", "/d \"1\""}, {"free_bytes", 12U}, {"delta", -3}, {"ratio", 0.5}, {"ssd", true}});
  const auto line = take();
  EXPECT_EQ(line.substr(0, 8), R"({"ts":"2)");
  EXPECT_EQ(line.substr(line.find("Z\"")),
            "Z\",\"level\":\"warn\",\"node\":\"be1\",\"role\":\"be\",\"msg\":\"disk is full\","
            "\"path\":\"/d \\\"1\\\"\",\"free_bytes\":12,\"delta\":-3,\"ratio\":0.5,\"ssd\":true}\n");
}

TEST_F(LogTest, TextIsForPeople) {
  open(log_format::text);
  log_info("backend is up", {{"port", 9060}, {"paths", "/a /b"}, {"id", "be1"}, {"note", ""}});
  const auto line = take();
  EXPECT_EQ(line.substr(12), " info  backend is up  port=9060  paths=\"/a /b\"  id=be1  note=\"\"\n");
}

TEST_F(LogTest, JournalPrefixesNameThePriority) {
  open(log_format::json, true, log_level::debug);
  const std::pair<log_level, const char*> table[] = {
    {log_level::debug, "<7>{"}, {log_level::info, "<6>{"}, {log_level::warn, "<4>{"}, {log_level::error, "<3>{"}};
  for (const auto& [level, prefix] : table) {
    log(level, "x");
    EXPECT_EQ(take().substr(0, 4), prefix);
  }
}

TEST_F(LogTest, CountsWhatItWritesAndOnlyThat) {
  open(log_format::json);
  const auto before = log_counts();
  log_debug("below the level");
  log_warn("one");
  log_warn("two");
  const auto after = log_counts();
  EXPECT_EQ(after[0], before[0]);
  EXPECT_EQ(after[2], before[2] + 2);
  set_log_level(log_level::debug);
  log_debug("now it counts");
  EXPECT_EQ(log_counts()[0], before[0] + 1);
}

TEST_F(LogTest, LogOnceSpeaksOnce) {
  open(log_format::json);
  for (int i = 0; i < 100; ++i)
    log_once("LogOnceSpeaksOnce", log_level::warn, "refused");
  const auto text = take();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(RepeatFilter, SpeaksAgainAfterAMinuteAndSaysForHowMany) {
  repeat_filter filter;
  const std::chrono::steady_clock::time_point start{1h};
  EXPECT_EQ(filter.admit("a", start), 1U);
  EXPECT_EQ(filter.admit("a", start + 1s), std::nullopt);
  EXPECT_EQ(filter.admit("b", start + 1s), 1U) << "another key";
  EXPECT_EQ(filter.admit("a", start + 59'999ms), std::nullopt);
  EXPECT_EQ(filter.admit("a", start + 60s), 3U) << "itself and two silenced ones";
  EXPECT_EQ(filter.admit("a", start + 120s), 1U);
}

TEST(RepeatFilter, ForgetsTheOldestKeyWhenThereAreTooMany) {
  repeat_filter filter;
  std::chrono::steady_clock::time_point now{1h};
  for (std::size_t i = 0; i <= repeat_filter::keys_max; ++i, now += 1ms)
    EXPECT_EQ(filter.admit("key" + std::to_string(i), now), 1U);
  EXPECT_EQ(filter.admit("key0", now), 1U) << "it was forgotten";
  EXPECT_EQ(filter.admit("key9", now), std::nullopt);
}

TEST(JsonString, EscapesAndRepairs) {
  const std::pair<std::string, std::string> table[] = {
    {"plain", "\"plain\""},
    {"a\"b\\c", R"("a\"b\\c")"},
    {"line\nend\t\x01", R"("line\nend\t\u0001")"},
    {"gr\xC3\xBC\xC3\x9F", "\"gr\xC3\xBC\xC3\x9F\""},
    {"bad\xFFhere", "\"bad\xEF\xBF\xBDhere\""},
    {"cut\xE2\x82", "\"cut\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"surrogate\xED\xA0\x80", "\"surrogate\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"\xF0\x9F\x98\x80", "\"\xF0\x9F\x98\x80\""},
  };
  for (const auto& [text, json] : table)
    EXPECT_EQ(json_string(text), json);
}

TEST(LogLevel, NamesParseBack) {
  for (const auto level : {log_level::debug, log_level::info, log_level::warn, log_level::error})
    EXPECT_EQ(parse_log_level(name(level)), level);
  EXPECT_EQ(parse_log_level("loud"), std::nullopt);
}

} // namespace

} // namespace tabletd
