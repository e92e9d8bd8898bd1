// The scenario language: what a line means, and what is said of one that means nothing.
#include "actors/model/offline/scenario.h"
#include <gtest/gtest.h>
#include <fstream>
#include <sstream>

namespace tabletd::model::offline {
namespace {

using namespace std::chrono_literals;

template <class Body>
Body only(std::string_view line) {
  const auto parsed = parse_scenario(line);
  const auto* made = std::get_if<scenario>(&parsed);
  EXPECT_TRUE(made) << line << ": " << std::get<scenario_error>(parsed).message;
  EXPECT_EQ(made ? made->size() : 0, 1U);
  return made ? std::get<Body>(made->front().body) : Body{};
}

TEST(Scenario, ClustersAndTablets) {
  const auto c = only<gen_cluster>("gen_cluster 8 hosts 4 paths 2 capacity 500 medium ssd cluster west");
  EXPECT_EQ(c.backends, 8U);
  EXPECT_EQ(c.hosts, 4U);
  EXPECT_EQ(c.paths, 2U);
  EXPECT_EQ(c.capacity_gib, 500U);
  EXPECT_EQ(c.medium, medium::ssd);
  EXPECT_EQ(c.cluster, "west");
  EXPECT_EQ(only<gen_cluster>("add_backend capacity 5").backends, 1U);
  const auto t = only<gen_tablets>("gen_tablets 400 size 50..200 replicas 2 table orders colocate shop");
  EXPECT_EQ(t.count, 400U);
  EXPECT_EQ(t.replicas, 2U);
  EXPECT_EQ(t.mib_min, 50U);
  EXPECT_EQ(t.mib_max, 200U);
  EXPECT_EQ(t.table, "orders");
  EXPECT_EQ(t.colocate, "shop");
  EXPECT_EQ(only<gen_tablets>("gen_tablets 1 size 7").mib_max, 7U);
}

TEST(Scenario, WhatHappens) {
  const auto k = only<treat_backends>("kill 3 4 # both");
  EXPECT_EQ(k.how, backend_fate::kill);
  EXPECT_EQ(k.backends, (std::vector<backend_number>{3, 4}));
  const auto l = only<load_table>("load orders 100 every 10s times 6");
  EXPECT_EQ(l.mib, 100U);
  EXPECT_EQ(l.every, 10s);
  EXPECT_EQ(l.times, 6U);
  EXPECT_EQ(only<run_for>("run 2h").span, 2h);
  EXPECT_EQ(only<run_until_healthy>("run until healthy within 500ms").within, 500ms);
  EXPECT_EQ(only<set_option>("set be_down_tolerance 5m").value, 300'000U);
  EXPECT_EQ(only<fill_disk>("fill_disk 1 2 96").percent, 96U);
  EXPECT_TRUE(only<print_row>("print backends").backends);
}

TEST(Scenario, Assertions) {
  EXPECT_EQ(only<assertion>("assert healthy").what, measure::healthy);
  const auto s = only<assertion>("assert status REPLICA_MISSING >= 12");
  EXPECT_EQ(s.status, tablet_health::replica_missing);
  EXPECT_EQ(s.how, relation::at_least);
  EXPECT_EQ(s.wanted, 12U);
  EXPECT_EQ(only<assertion>("assert max_skew 3").how, relation::at_most);
  EXPECT_EQ(only<assertion>("assert moves 3").how, relation::equal);
  EXPECT_EQ(only<assertion>("assert replicas_on 7 = 0").backend, 7U);
  EXPECT_EQ(only<assertion>("assert thrash <= 1.05").wanted, 1'050U);
  EXPECT_EQ(only<assertion>("assert balanced score 0.2").wanted, 200U);
  EXPECT_EQ(only<assertion>("assert balanced").wanted, 100U);
  EXPECT_EQ(only<assertion>("assert time_to_healthy 10m").wanted, 600'000U);
}

struct wrong {
  const char* text;
  std::uint32_t line;
  const char* message;
  const char* hint;
};

TEST(Scenario, WhatIsWrongAndWhatWasMeant) {
  const wrong table[] = {
    {"gen_cluster 3\n\n# x\nkil 3\n", 4, "there is no command 'kil'", "did you mean kill?"},
    {"gen_cluster", 1, "the line ends where a number of backends is expected", ""},
    {"gen_cluster three", 1, "'three' is not a number of backends", "write a whole number from 1 to 10000"},
    {"gen_cluster 0", 1, "'0' is not a number of backends", "write a whole number from 1 to 10000"},
    {"gen_cluster 3 hots 2", 1, "there is no setting 'hots'", "did you mean hosts?"},
    {"gen_cluster 3 medium tape", 1, "there is no medium 'tape'", "choose hdd, ssd"},
    {"gen_tablets 3 size 9..1", 1, "'9..1' is not a size in MiB", "write 100, or 1..300 for sizes between the two"},
    {"kill", 1, "the line ends where a backend's number is expected", ""},
    {"kill 1 x", 1, "'x' is not a backend's number", "write a whole number from 1 to 10000"},
    {"run 5", 1, "'5' is not a span of time", "write 500ms, 60s, 5m, 2h or 1d"},
    {"run 99999999999d", 1, "'99999999999d' is not a span of time", "write 500ms, 60s, 5m, 2h or 1d"},
    {"run until green", 1, "'run until' knows one thing to wait for", "write run until healthy [within 1h]"},
    {"load t 5 every 5s", 1, "'every' needs how often", "write every 10s times 6"},
    {"change_leader now", 1, "'now' is not expected here", "the line ends before it"},
    {"set path_rat 5", 1, "there is no option 'path_rat'", "did you mean path_rate?"},
    {"set path_rate 0", 1, "'0' is not a rate in MiB/s", "write a whole number from 1 to 1000000000"},
    {"set tick 0s", 1, "tick is too small", "write at least 1ms"},
    {"gen_cluster 3\nset seed 5", 2, "options are set before anything else", "move the line to the top"},
    {"assert helthy", 1, "there is no assertion 'helthy'", "did you mean healthy?"},
    {"assert status MISSING 5", 1, "there is no status 'MISSING'",
     "choose HEALTHY, REPLICA_MISSING, VERSION_INCOMPLETE, REPLICA_RELOCATING, REDUNDANT, FORCE_REDUNDANT, "
     "UNRECOVERABLE, "
     "REPLICA_MISSING_IN_CLUSTER, NEED_FURTHER_REPAIR, COLOCATE_MISMATCH, COLOCATE_REDUNDANT"},
    {"assert thrash <= 1.0.5", 1, "'1.0.5' is not a number", "write 1, 0.1 or 1.05"},
    {"assert moves < 5", 1, "'<' is not a number", "write a whole number from 0 to 18446744073709551615"},
    {"print all", 1, "there is no setting 'all'", "choose backends"},
  };
  for (const auto& w : table) {
    const auto parsed = parse_scenario(w.text);
    const auto* error = std::get_if<scenario_error>(&parsed);
    ASSERT_TRUE(error) << w.text;
    EXPECT_EQ(error->line, w.line) << w.text;
    EXPECT_EQ(error->message, w.message) << w.text;
    EXPECT_EQ(error->hint, w.hint) << w.text;
  }
}

TEST(Scenario, AnyBytesGiveAScenarioOrAnError) {
  EXPECT_TRUE(std::holds_alternative<scenario>(parse_scenario("")));
  EXPECT_TRUE(std::holds_alternative<scenario>(parse_scenario("\r\n \t\n#")));
  EXPECT_TRUE(std::holds_alternative<scenario_error>(parse_scenario(std::string_view{"\0\xff run", 6})));
}

TEST(Options, ThePageListsThemAll) {
  std::stringstream page;
  page << std::ifstream{OFFLINE_PAGE}.rdbuf();
  for (const auto& option : option_table()) {
    const auto line = page.str().find("| `" + std::string{option.name} + "` | ");
    ASSERT_NE(line, std::string::npos) << option.name;
    const auto text = page.str().substr(line, page.str().find('\n', line) - line);
    EXPECT_TRUE(text.ends_with("| " + std::string{option.meaning} + " |")) << text;
  }
}

} // namespace
} // namespace tabletd::model::offline
