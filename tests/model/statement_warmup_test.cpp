// Statements about warm-up: what they mean, how they are printed, and how their mistakes are pointed at.
#include "actors/model/statement.h"
#include "actors/model/statement_table.h"
#include "tests/model/statement_words.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

/// Message, the piece of the text it points at, and hint.
std::string complaint(std::string_view text) {
  const auto outcome = parse(text);
  const auto* error = std::get_if<statement_error>(&outcome);
  if (!error)
    return "it parsed";
  return error->message + "\n" + std::string{text.substr(error->at.offset, error->at.length)} + "\n" + error->hint;
}

TEST(StatementWarmUp, ClustersAreWarmedByClusters) {
  EXPECT_EQ(parsed("WARM UP CLUSTER blue WITH CLUSTER green"), (statement{warm_up_cluster{"blue", "green"}}));
  EXPECT_EQ(parsed("warm up compute group `blue-2` with compute group green force dry run;"),
            (statement{warm_up_cluster{"blue-2", "green", {.force = true, .dry_run = true}}}));
  EXPECT_EQ(print(parsed("WARM UP COMPUTE GROUP blue WITH CLUSTER green")), "WARM UP CLUSTER blue WITH CLUSTER green");
  EXPECT_EQ(print(parsed("WARM UP COMPUTE GROUP `group` WITH CLUSTER green DRY RUN")),
            "WARM UP CLUSTER `group` WITH CLUSTER green DRY RUN");
}

TEST(StatementWarmUp, ClustersAreWarmedByTables) {
  EXPECT_EQ(parsed("WARM UP CLUSTER blue WITH TABLE shop.orders"),
            (statement{warm_up_tables{"blue", {{{"shop", "orders"}, ""}}}}));
  EXPECT_EQ(parsed("WARM UP CLUSTER blue WITH TABLE shop.orders PARTITION y2024 AND TABLE items AND TABLE items PARTITION p "
                   "FORCE"),
            (statement{warm_up_tables{
                "blue", {{{"shop", "orders"}, "y2024"}, {{"", "items"}, ""}, {{"", "items"}, "p"}}, {.force = true}}}));
}

TEST(StatementWarmUp, PropertiesSayWhenAndHow) {
  const auto terms = [](std::string_view properties) {
    return std::get<warm_up_cluster>(
               parsed("WARM UP CLUSTER a WITH CLUSTER b PROPERTIES(" + std::string{properties} + ")"))
        .terms;
  };
  EXPECT_EQ(terms(R"("sync_mode"="ONCE")"), warm_up_terms{});
  EXPECT_EQ(terms(R"("sync_interval_sec"="600", "sync_mode"="Periodic")").sync,
            warmup_sync{sync_periodic{std::chrono::seconds(600)}});
  EXPECT_EQ(terms(R"("sync_mode"="event_driven", "sync_event"="LOAD")").sync,
            warmup_sync{sync_on_event{warmup_event::load}});
  EXPECT_EQ(terms(R"("sync_mode"="event_driven", "sync_event"="query")").sync,
            warmup_sync{sync_on_event{warmup_event::query}});
  EXPECT_EQ(terms(R"("on_error"="skip")").on_error, warmup_on_error::skip);
  EXPECT_EQ(terms(R"("when_busy"="reject")").when_busy, warmup_when_busy::reject);
}

TEST(StatementWarmUp, JobsAreNamedByTheirId) {
  EXPECT_EQ(parsed("SHOW WARM UP JOB"), (statement{show_warm_up{}}));
  EXPECT_EQ(parsed("show warm up job where id=7"), (statement{show_warm_up{7}}));
  EXPECT_EQ(parsed("CANCEL WARM UP JOB WHERE ID = 7"), (statement{cancel_warm_up{7}}));
  EXPECT_EQ(parsed("PAUSE WARM UP JOB WHERE ID = 7"), (statement{pause_warm_up{7}}));
  EXPECT_EQ(parsed("RESUME WARM UP JOB WHERE ID = 7"), (statement{resume_warm_up{7}}));
  EXPECT_EQ(parsed("VERIFY WARM UP JOB 7"), (statement{verify_warm_up{7}}));
  EXPECT_EQ(parsed("VERIFY WARM UP JOB WHERE ID = 7"), (statement{verify_warm_up{7}}));
}

TEST(StatementWarmUp, ExportsCanUseACluster) {
  EXPECT_EQ(parsed("EXPORT TABLE t PARTITION (p) TO '/f' USING CLUSTER blue"),
            (statement{export_table{{"", "t"}, "/f", {"p"}, "blue"}}));
}

TEST(StatementWarmUp, MistakesArePointedAt) {
  const struct {
    const char* text;
    const char* complaint;
  } table[] = {
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_mode"="peridoic"))",
       "\"peridoic\" is no sync mode\n\"peridoic\"\ndid you mean \"periodic\"?"},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_mode"="never"))",
       "\"never\" is no sync mode\n\"never\"\nit must be \"once\", \"periodic\" or \"event_driven\""},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_moed"="once"))",
       "no warm-up has the property \"sync_moed\"\n\"sync_moed\"\ndid you mean \"sync_mode\"?"},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_mode"="periodic"))",
       "the property \"sync_interval_sec\" is missing\n\n\"sync_mode\"=\"periodic\" needs it: the seconds from the start of "
       "one round to the next"},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_mode"="periodic", "sync_interval_sec"="0"))",
       "\"0\" is no number of seconds\n\"0\"\nit must be \"1\" to \"31536000\""},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_interval_sec"="60"))",
       "\"sync_interval_sec\" is about jobs with \"sync_mode\"=\"periodic\"\n\"sync_interval_sec\"\nsay that too, or leave it "
       "out"},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_mode"="event_driven"))",
       "the property \"sync_event\" is missing\n\n\"sync_mode\"=\"event_driven\" needs it: \"load\" or \"query\""},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_mode"="event_driven", "sync_event"="compaction"))",
       "\"compaction\" is no event\n\"compaction\"\nit must be \"load\" or \"query\""},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("sync_event"="load"))",
       "\"sync_event\" is about jobs with \"sync_mode\"=\"event_driven\"\n\"sync_event\"\nsay that too, or leave it out"},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("on_error"="ignore"))",
       "\"ignore\" is no way to treat an error\n\"ignore\"\nit must be \"cancel\" or \"skip\""},
      {R"(WARM UP CLUSTER a WITH CLUSTER b PROPERTIES("when_busy"="quue"))",
       "\"quue\" is no way to treat a busy cluster\n\"quue\"\ndid you mean \"queue\"?"},
      {"WARM UP CLUSTER a WITH TABLE t AND TABLE t", "t is named twice\nt\nkeep one of them"},
      {"WARM UP CLUSTER a WITH TABLE t AND u", "expected TABLE, found u\nu\nHELP WARM UP CLUSTER;"},
      {"WARM UP CLUSTER a WIHT TABLE t", "expected WITH, found WIHT\nWIHT\ndid you mean WITH?  HELP WARM UP CLUSTER;"},
      {"WARM UP CLUSTER a WITH TABEL t",
       "expected CLUSTER, COMPUTE or TABLE, found TABEL\nTABEL\ndid you mean TABLE?  HELP WARM UP CLUSTER;"},
      {"SHOW WARM UP JOB WHERE NAME = 7", "expected ID, found NAME\nNAME\nHELP SHOW WARM UP JOB WHERE;"},
      {"CANCEL WARM UP JOB WHERE ID = x", "expected a job id, found x\nx\nHELP CANCEL WARM UP JOB WHERE ID;"},
      {"CANCEL WARM UP JOB WHERE ID = 0", "0 is no job id\n0\nit must be 1 to 18446744073709551615"},
      {"CANCEL WARM UP JOB", "expected WHERE, found the end of the statement\n\nHELP CANCEL WARM UP JOB;"},
  };
  for (const auto& row : table)
    EXPECT_EQ(complaint(row.text), row.complaint) << row.text;
}

TEST(StatementWarmUp, HelpFindsThem) {
  const auto rows = [](std::vector<std::string> words) { return rows_beginning_with(words).size(); };
  EXPECT_EQ(rows({"warm", "up"}), 2u);
  EXPECT_EQ(rows({"WARM", "UP", "COMPUTE", "GROUP"}), 2u);
  EXPECT_EQ(rows({"SHOW", "WARM", "UP"}), 1u);
  EXPECT_EQ(rows({"VERIFY"}), 1u);
}

}  // namespace
}  // namespace tabletd::model
