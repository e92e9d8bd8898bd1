// Completion at the cursor, and the PROC tree it walks.
#include "actors/model/completion.h"
#include "actors/model/proc_path.h"
#include "actors/model/statement_grammar.h"
#include "actors/model/statement_table.h"
#include "tests/model/console_world.h"
#include <gtest/gtest.h>
#include <random>

namespace tabletd::model {
namespace {

using test::console_world;

/// "text|" with the cursor at the bar -> "candidate candidate @replace_from".
std::string completed(const console_world& world, std::string text, std::string_view database = {}) {
  const auto bar = text.find('|');
  text.erase(bar, 1);
  const auto found = complete(text, bar, world.cat, database);
  std::string out;
  for (const auto& one : found.candidates)
    out += one.text + ' ';
  return out + '@' + std::to_string(found.replace_from);
}

TEST(Completion, KnowsKeywordsNamesAndPages) {
  console_world world;
  world.database("shop");
  world.database("logs");
  world.add_backends(2);
  world.table("shop", "orders", 2, 1);
  const auto items = world.table("shop", "items", 1, 1);
  world.table("logs", "shopping", 1, 1);
  const auto& t = world.tablet(items, 0);
  world.fold(plan_saved{"friday", plan_kind::rebalance, {}, world.cat.applied,
                        {{t.id, t.replicas[0].id, {world.order[0], path_hash{100}}, {world.order[1], path_hash{200}}, 5}}});
  const resource_id cold{world.fold(resource_created{"cold", resource_type::file, {}})};
  world.fold(resource_created{"colder", resource_type::s3, {}});
  world.fold(storage_policy_created{"after_a_day", cold, cooldown_ttl{86'400}});
  struct row {
    const char* text;
    const char* candidates;
  };
  const row table[] = {
    {"|", "ADMIN ALTER APPLY CANCEL CREATE DROP EXPLAIN EXPORT HELP LOAD PAUSE PLAN RECALL RESUME SHOW USE VERIFY WARM @0"},
    {"sh|", "SHOW @0"},
    {"SHOW |", "BACKENDS DATABASES FRONTENDS PLAN PLANS PROC REPAIR RESOURCE RESOURCES STORAGE TABLES TABLET TABLETS WARM @5"},
    {"SHOW TABLE|", "TABLES TABLET TABLETS @5"},
    {"SHOW TABLET |", "FROM @12"},
    {"SHOW TABLES |", "FROM @12"},
    {"SHOW TABLES FROM |", "logs shop @17"},
    {"SHOW TABLES FROM l|ogs", "logs @17"},
    {"DROP TABLE |", "logs.shopping shop.items shop.orders IF @11"},
    {"DROP TABLE shop|", "shop.items shop.orders @11"},
    {"DROP TABLE shop.|", "shop.items shop.orders @11"},
    {"DROP TABLE shop.o|", "shop.orders @11"},
    {"CREATE DATABASE IF |", "NOT @19"},
    {"ALTER SYSTEM |", "ADD CANCEL DECOMMISSION DROP MODIFY @13"},
    {"ALTER SYSTEM DROP BACKEND |", "\"h1:9060\" \"h2:9060\" @26"},
    {"ALTER SYSTEM DROP BACKEND 'h2|", "'h2:9060' @26"},
    {"SHOW PROC |", "'/actors' '/backends' '/checkpoint' '/cluster_balance' '/colocation_group' '/cooldown' '/dbs' '/frontends' '/journal' '/statistic' '/warm_up' @10"},
    {"SHOW PROC '/cl|", "'/cluster_balance' @10"},
    {"SHOW PROC \"/cluster_balance/p|", "\"/cluster_balance/pending_tablets\" \"/cluster_balance/priority_repair\" @10"},
    {"SHOW PROC '/backends/|", "'/backends/10003' '/backends/10004' @10"},
    {"SHOW PROC '/backends'|", "@21"},
    {"CREATE TABLE t (KEY 1) BUCKETS 1 |", "PROPERTIES @33"},
    {"CREATE TABLE t (KEY 1) BUCKETS 1 PROPERTIES(|", "\"cluster\" \"colocate_with\" \"column_separator\" \"replication_num\" \"storage_medium\" \"storage_policy\" @44"},
    {"CREATE TABLE t (KEY 1) BUCKETS 1 PROPERTIES(\"rep|", "\"replication_num\" @44"},
    {"CREATE TABLE t (KEY 1) |", "BUCKETS PARTITION @23"},
    {"LOAD FILE 'x' INTO shop.items PARTITION (|", "items @41"},
    {"ALTER TABLE shop.orders DROP PARTITION o|", "orders @39"},
    {"ALTER TABLE shop.orders |", "ADD DROP MODIFY SET @24"},
    {"ALTER TABLE shop.orders MODIFY PARTITION orders SET (|", "\"storage_medium\" \"storage_policy\" @53"},
    {"ADMIN |", "CANCEL CHECK CHECKPOINT COOLDOWN DIAGNOSE PAUSE REBALANCE REPAIR RESUME SET SHOW TRANSFER @6"},
    {"ADMIN PAUSE BALANCE |", "ALL BACKEND TABLE @20"},
    {"ADMIN PAUSE BALANCE TABLE logs.|", "logs.shopping @26"},
    {"ADMIN SHOW REPLICA STATUS FROM shop.items WHERE STATUS = 'D|", "'DEAD' @57"},
    {"ADMIN SET FRONTEND CONFIG ('disable_d|", "'disable_disk_balance' @27"},
    {"PLAN |", "DECOMMISSION LOSE REBALANCE @5"},
    {"PLAN REBALANCE |", "SAVE @15"},
    {"APPLY PLAN |", "\"friday\" @11"},
    {"SHOW PLAN 'f|", "'friday' @10"},
    {"DROP PLAN 'x|", "@10"},
    {"DROP RESOURCE |", "cold colder IF @14"},
    {"ALTER RESOURCE colde|", "colder @15"},
    {"DROP STORAGE POLICY a|", "after_a_day @20"},
    {"SHOW STORAGE POLICY |", "USING @20"},
    {"SHOW STORAGE POLICY USING FOR |", "after_a_day @30"},
    {"ALTER TABLE shop.orders SET ('storage_policy' = |", "\"after_a_day\" @48"},
    {"CREATE STORAGE POLICY p PROPERTIES('storage_resource' = 'colde|", "'colder' @56"},
    {"CREATE STORAGE POLICY p PROPERTIES('cooldown_ttl' = |", "@52"},
    {"CREATE RESOURCE r PROPERTIES('c|", "'ca_file' 'credentials_file' @29"},
    {"WARM UP CLUSTER |", "default_cluster @16"},
    {"WARM UP COMPUTE GROUP d|", "default_cluster @22"},
    {"WARM UP CLUSTER blue WITH |", "CLUSTER COMPUTE TABLE @26"},
    {"WARM UP CLUSTER blue WITH TABLE shop.|", "shop.items shop.orders @32"},
    {"WARM UP CLUSTER blue WITH TABLE shop.items PARTITION |", "items @53"},
    {"WARM UP CLUSTER blue WITH TABLE shop.items AND TABLE shop.orders |", "AND DRY FORCE PARTITION PROPERTIES @65"},
    {"WARM UP CLUSTER a WITH CLUSTER b PROPERTIES(|", "\"on_error\" \"sync_event\" \"sync_interval_sec\" \"sync_mode\" \"when_busy\" @44"},
    {"WARM UP CLUSTER a WITH CLUSTER b PROPERTIES('sync_mode' = 'p|", "'periodic' @58"},
    {"VERIFY WARM UP JOB |", "WHERE @19"},
    {"EXPORT TABLE shop.items TO 'f' USING CLUSTER |", "default_cluster @45"},
    {"NONSENSE |", "@9"},
    {"LOAD FILE 'x|", "@10"},
  };
  for (const auto& r : table)
    EXPECT_EQ(completed(world, r.text), r.candidates) << r.text;
  EXPECT_EQ(completed(world, "DROP TABLE o|", "shop"), "orders @11");
}

TEST(Completion, EveryStatementCanBeTypedByCompletionAlone) {
  const console_world world;
  for (const auto& row : statement_table()) {
    std::string text;
    for (const auto& part : forms()[static_cast<std::size_t>(&row - statement_table().data())]) {
      if (part.is != element::shape::word)
        break;
      const auto found = complete(text, text.size(), world.cat);
      EXPECT_TRUE(std::any_of(found.candidates.begin(), found.candidates.end(),
                              [&](const candidate& c) { return c.text == part.text && c.kind == "keyword"; }))
        << row.synopsis << " after '" << text << "'";
      text += std::string{part.text} + ' ';
    }
  }
}

TEST(Completion, NoTextAndNoCursorBreakIt) {
  console_world world;
  world.database("shop");
  world.add_backends(1);
  world.table("shop", "orders", 1, 1);
  std::mt19937_64 dice{3};
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(dice() % n); };
  for (int i = 0; i < 30'000; ++i) {
    const auto& row = statement_table()[pick(statement_table().size())];
    std::string text{row.example};
    text.resize(pick(text.size() + 1));
    if (!text.empty() && pick(2) == 0)
      text[pick(text.size())] = static_cast<char>(pick(256));
    const auto cursor = pick(text.size() + 3);
    const auto found = complete(text, cursor, world.cat);
    ASSERT_LE(found.replace_from, std::min(cursor, text.size())) << text;
    ASSERT_LE(found.candidates.size(), candidates_max);
  }
}

// -- the tree --------------------------------------------------------------------------

TEST(ProcPath, EveryPageIsFoundByWalkingDown) {
  console_world world;
  world.database("shop");
  world.add_backends(3);
  world.table("shop", "orders", 4, 3);
  world.colocated("shop", "twin", 2, 3, "g");
  world.fold(warmup_created{{warmup_type::cluster, "a", "b", {}, false, {}, {}, {}}, {}});
  std::set<proc_page> seen;
  std::vector<std::string> paths{"/"};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto found = find_proc(paths[i], world.cat);
    ASSERT_TRUE(std::holds_alternative<proc_target>(found)) << paths[i];
    const auto& at = std::get<proc_target>(found);
    seen.insert(at.page);
    for (const auto& name : below_proc(at, world.cat, 100))
      paths.push_back((paths[i] == "/" ? "/" : paths[i] + '/') + name);
  }
  EXPECT_EQ(seen.size(), proc_table().size());
  for (std::size_t i = 0; i < proc_table().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(proc_table()[i].page), i);
    EXPECT_FALSE(proc_table()[i].columns.empty());
  }
}

TEST(ProcPath, NamesWorkAsIdsDo) {
  console_world world;
  const auto shop = world.database("shop");
  world.add_backends(1);
  const auto orders = world.table("shop", "orders", 1, 1);
  const auto by_name = std::get<proc_target>(find_proc("/dbs/shop/orders/", world.cat));
  EXPECT_EQ(by_name, (proc_target{proc_page::table, shop, orders, {}, {}, {}, {}, {}, {}}));
  EXPECT_EQ(std::get<proc_target>(find_proc("//dbs/" + std::to_string(raw(shop)) + "//" + std::to_string(raw(orders)), world.cat)), by_name);
  EXPECT_EQ(std::get<proc_target>(find_proc("", world.cat)).page, proc_page::root);
}

TEST(ProcPath, WhatIsNotThereIsNamed) {
  console_world world;
  world.database("shop");
  world.database("logs");
  world.add_backends(1);
  world.table("logs", "t", 1, 1);
  struct row {
    const char* path;
    const char* message;
    const char* hint;
  };
  const row table[] = {
    {"/statistik", "statistik is not below '/'", "did you mean '/statistic'?"},
    {"/cluster_balance/pending", "pending is not below '/cluster_balance'", "did you mean '/cluster_balance/pending_tablets'?"},
    {"/nothing", "nothing is not below '/'", "there are: actors, backends, checkpoint, cluster_balance, colocation_group, cooldown, dbs, frontends, journal, statistic, warm_up"},
    {"/dbs/shop/t", "t is not below '/dbs/shop'", "nothing is below that page"},
    {"/backends/7/x", "7 is not below '/backends'", "there are: 10003"},
    {"/journal/x\n\xff", "x\\x0a\\xff is not below '/journal'", "nothing is below that page"},
  };
  for (const auto& r : table) {
    const auto found = find_proc(r.path, world.cat);
    ASSERT_TRUE(std::holds_alternative<statement_error>(found)) << r.path;
    const auto& error = std::get<statement_error>(found);
    EXPECT_EQ(error.code, error_code::not_found);
    EXPECT_EQ(error.message, r.message);
    EXPECT_EQ(error.hint, r.hint);
  }
}

} // namespace
} // namespace tabletd::model
