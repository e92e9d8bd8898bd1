#pragma once
// One tablet on a real backend that cools into a real shared directory; the test is the leader and its log.
#include "actors/codec/agent_cooldown_codec.h"
#include "tests/node_be/be_world.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {

using model::remote_meta_id;

/// Tablet 1 has versions 2 to 4, of which 3 is empty.
struct BackendCooldown : be_world {
  std::optional<backend> be;
  std::optional<leader> fe;
  std::filesystem::path shared = dir / "shared", elsewhere = dir / "elsewhere";
  std::uint64_t policys = 7; ///< `shared`; 8 is `elsewhere`.
  /// What the log says of tablet 1.
  model::cooldown_conf conf{model::replica_id{10}, 1, {}};
  std::vector<row_bytes> rows{make_rows(1'000, 40, 1), make_rows(30, 1'000, 2)};
  row_bytes more = make_rows(500, 60, 3);
  cold_cache_options cold; ///< Of every backend of the test.

  [[nodiscard]] be_options paced(const std::string& name, std::uint64_t quota_bytes = 0) {
    auto how = options(name, quota_bytes);
    how.cold = cold;
    how.cooldown = {.tick = model::time_ms{5},
                    .work_interval = model::time_ms{5},
                    .rest_max = model::time_ms{10},
                    .report_interval = model::time_ms{20}};
    how.cooldown_rules.rest_intervals = 2;
    how.cooldown_rules.rest_intervals_max = 4;
    how.cooldown_rules.cleanup_interval = model::time_ms{20};
    return how;
  }
  void SetUp() override {
    std::filesystem::create_directories(shared);
    std::filesystem::create_directories(elsewhere);
    be.emplace(sys, paced("a"));
    fe.emplace(io, be->port());
    ASSERT_EQ(fe->attach(5), "");
    fe->create(100, 1, 10, be->node().paths()[0].hash);
    fe->load(200, 2, 1, 10, rows);
    fe->load(201, 3, 1, 10, {});
    fe->load(202, 4, 1, 10, {more});
    the_log_accepts(*fe);
  }
  void the_log_accepts(leader& to) {
    to.ears().acknowledge = [this](const heard::cooldown_said& said) {
      return said.replica == model::raw(conf.uploader) && said.term == conf.term ? conf.term : 0;
    };
    to.ears().publish = [this](const model::published_meta& meta) {
      conf.published = meta;
      if (model::is_recall(meta))
        conf.recalled = meta.id;
      return wire::PublicationVerdict::ACCEPTED;
    };
  }
  /// Pushes what the log says; rowsets are due as soon as they are older than this millisecond, if there is a policy.
  void push(leader& to, std::uint64_t replica, bool has_policy = true, std::uint64_t tablet = 1, bool recall = false) {
    auto request = to.service().cooldownRequest();
    request.setTerm(5);
    auto orders = request.initOrders();
    orders.setLeaseMs(60'000);
    auto resources = orders.initResources(2);
    for (unsigned i = 0; i < 2; ++i) {
      resources[i].setId(7 + i);
      auto root = resources[i].initProperties(1)[0];
      root.setKey("root");
      root.setValue(i == 0 ? shared.c_str() : elsewhere.c_str());
    }
    auto order = orders.initTablets(1)[0];
    order.setTablet(tablet);
    order.setReplica(replica);
    order.getConf().setUploader(model::raw(conf.uploader));
    order.getConf().setTerm(conf.term);
    if (conf.published)
      codec::encode(*conf.published, order.getConf().getPublished().initMeta());
    codec::encode(conf.recalled, order.getConf().initRecalled());
    order.setRecall(recall);
    if (has_policy) {
      order.setResource(policys);
      order.getRule().setTtlMs(0);
    }
    request.send().ignoreResult().wait(io.waitScope);
  }
  static bool has_followed(leader& from, const remote_meta_id& id) { return from.ears().cooldown[1].id == id; }
  void cool() {
    push(*fe, 10);
    fe->wait_until([&] { return conf.published && conf.published->last_version == 4 && has_followed(*fe, conf.published->id); });
  }
  [[nodiscard]] std::string content() const { return rows[0].rows + rows[1].rows + more.rows; }
  [[nodiscard]] std::vector<std::filesystem::path> objects() const { return objects(shared); }
  [[nodiscard]] static std::vector<std::filesystem::path> objects(const std::filesystem::path& root) {
    std::vector<std::filesystem::path> all;
    if (std::filesystem::exists(root / "data/1"))
      for (const auto& entry : std::filesystem::directory_iterator(root / "data/1"))
        all.push_back(entry.path());
    std::ranges::sort(all);
    return all;
  }
  [[nodiscard]] std::vector<std::filesystem::path> segments_there() const { return segments_there(shared); }
  [[nodiscard]] static std::vector<std::filesystem::path> segments_there(const std::filesystem::path& root) {
    auto all = objects(root);
    std::erase_if(all, [](const auto& path) { return path.extension() != ".seg"; });
    return all;
  }
};

}  // namespace tabletd::test
