// What only the shell of the purger can get wrong: what is deleted where, what is logged, who hears of a failure.
#include "actors/cooldown/remote_purger.h"
#include "tests/actors/cooldown_world.h"

namespace tabletd::test {
namespace {

using edits = std::vector<edit_body>;

struct RemotePurger : cooldown_world {
  std::vector<remote_sweep_task> swept;
  remote_sweep_result outcome{3, ""};
  std::vector<std::string> told;
  std::function<void(const std::atomic<bool>& over)> while_sweeping = [](const auto&) {};
  remote_purger_actor purger;

  void drop_table() {
    ASSERT_TRUE(w(storage_policy_set{t, {}, policy}).ok());
    ASSERT_TRUE(w(cooldown_granted{{{tablet, A, 1}}}).ok());
    ASSERT_TRUE(w(table_dropped{t}).ok());
  }
  void begin() {
    cell->store(std::make_shared<const catalog>(w.cat));
    remote_purger_ports ports;
    ports.journal = stage;
    ports.catalog = cell;
    ports.sweep = {[this](const remote_sweep_task& task, const std::atomic<bool>& over) {
                     swept.push_back(task);
                     while_sweeping(over);
                     return outcome;
                   },
                   false};
    ports.wall_clock = [this] { return wall; };
    ports.tell = [this](const std::string& text, bool is_bad) { told.push_back((is_bad ? "bad: " : "") + text); };
    ports.lease = 10s;
    purger = sys.spawn(remote_purger, ports);
    to_stop.push_back(caf::actor_cast<caf::strong_actor_ptr>(purger));
    settle();
  }
};

TEST_F(RemotePurger, DeletesInEveryStoreAndThenSaysSoInTheLog) {
  const resource_id other{w(resource_created{"other", resource_type::file, {{"root", "/mnt/b"}}}).id};
  drop_table();
  begin();
  pass_seconds(10);
  EXPECT_TRUE(swept.empty()) << "its uploader may be writing";
  pass_seconds(3);
  ASSERT_EQ(swept.size(), 1u);
  EXPECT_EQ(swept[0].tablets, std::vector{tablet});
  ASSERT_EQ(swept[0].stores.size(), 2u);
  EXPECT_EQ(swept[0].stores[1].second, cell->load()->resources.find(other)->properties);
  EXPECT_EQ(swept[0].cluster, cell->load()->cluster);
  EXPECT_EQ(take_proposed(), (edits{remote_purged{{tablet}}}));
  EXPECT_TRUE(cell->load()->tombstones.empty());
  EXPECT_EQ(told, std::vector<std::string>{"deleted 3 objects of 1 dropped tablets from remote stores"});
  pass_seconds(60);
  EXPECT_EQ(swept.size(), 1u);
}

TEST_F(RemotePurger, WhatCannotBeDeletedKeepsItsTombstoneAndIsSaidOnce) {
  outcome = {1, "the share is not mounted; mount it"};
  drop_table();
  begin();
  pass_seconds(60);
  EXPECT_GT(swept.size(), 1u);
  EXPECT_TRUE(take_proposed().empty());
  EXPECT_EQ(told, std::vector<std::string>{
                    "bad: what 1 dropped tablets have in remote stores cannot be deleted yet: the share is not mounted; mount it"});
  outcome = {0, ""};
  pass_seconds(60);
  EXPECT_EQ(take_proposed(), (edits{remote_purged{{tablet}}}));
}

TEST_F(RemotePurger, AThreadThatStillDeletesIsToldThatTheTermIsOver) {
  drop_table();
  bool before = true, after = false;
  while_sweeping = [&](const std::atomic<bool>& over) {
    before = over;
    urgent_exit(purger, caf::exit_reason::kill);
    settle();
    after = over;
  };
  begin();
  pass_seconds(13);
  EXPECT_EQ(swept.size(), 1u);
  EXPECT_FALSE(before);
  EXPECT_TRUE(after);
  EXPECT_TRUE(take_proposed().empty());
}

}  // namespace
}  // namespace tabletd::test
