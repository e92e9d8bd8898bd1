#pragma once
// The cooled tablet on a real backend with a cache; the test is the leader that warms it.
#include "actors/codec/backend_warmup_codec.h"
#include "persistence/durable_file.h"
#include "tests/node_be/cooled_tablet.h"

#include <utility>

namespace tabletd::test {

using model::slot_verdict;

inline constexpr std::uint32_t small_block = 4'096;
inline constexpr std::uint64_t partition = 77;

struct BackendWarmup : BackendCooldown {
  std::uint64_t job = 40;
  warming_limits limits;
  /// What leaders say resource 7 is, if not `shared`.
  std::vector<std::pair<std::string, std::string>> s3;
  struct wanted {
    std::uint64_t tablet{};
    model::published_meta meta;
  };
  void SetUp() override {
    cold.capacity_bytes = 16 << 20;
    cold.rules.block_bytes = small_block;
    cold.rules.warm_share = 1;
    cold.reserve = {.high_watermark = 1, .min_left_bytes = 0, .margin_bytes = 0};
    BackendCooldown::SetUp();
    cool();
  }
  [[nodiscard]] wanted cooled() const { return {1, *conf.published}; }
  /// An object that is not there.
  [[nodiscard]] wanted lost(std::uint64_t tablet) const {
    auto meta = *conf.published;
    meta.object = "lost.meta";
    return {tablet, meta};
  }
  static wanted nothing(std::uint64_t tablet) { return {tablet, model::nothing_remote({1, 1})}; }

  void fill(wire::WarmupSources::Builder to, const std::vector<wanted>& all) const {
    auto resource = to.initResources(1)[0];
    resource.setId(7);
    const auto where = s3.empty() ? std::vector{std::pair<std::string, std::string>{"root", shared.string()}} : s3;
    resource.setIsS3(!s3.empty());
    auto properties = resource.initProperties(static_cast<unsigned>(where.size()));
    for (unsigned i = 0; i < properties.size(); ++i) {
      properties[i].setKey(where[i].first.c_str());
      properties[i].setValue(where[i].second.c_str());
    }
    auto tablets = to.initTablets(static_cast<unsigned>(all.size()));
    for (unsigned i = 0; i < tablets.size(); ++i) {
      tablets[i].setTablet(all[i].tablet);
      tablets[i].setPartition(partition);
      codec::encode(all[i].meta, tablets[i].initMeta());
    }
  }
  // -- the slot, as a lane of job 40 speaks to it --
  template <class Fill>
  model::slot_reply ask(leader& of, Fill what) {
    auto call = of.service().warmUpRequest();
    auto request = call.initRequest();
    request.setEpoch(of.term());
    request.setJob(job);
    what(request);
    return codec::decode_slot_reply(of.wait(call.send()).getReply());
  }
  model::slot_reply set_job(leader& of, std::uint32_t from = 0) {
    return ask(of, [&](auto to) { to.getWhat().setSetJob(from); });
  }
  model::slot_reply set_batch(leader& of, std::uint32_t batch, const std::vector<wanted>& tablets, bool forced = false) {
    return ask(of, [&](auto to) {
      auto set = to.getWhat().initSetBatch();
      set.setBatch(batch);
      set.setForced(forced);
      fill(set.initSources(), tablets);
    });
  }
  model::slot_reply clear(leader& of) {
    return ask(of, [](auto to) { to.getWhat().setClear(); });
  }
  /// As it is when the batch in hand has ended.
  model::slot_reply ended(leader& of) {
    const auto get = [](auto to) {
      to.getWhat().setGet();
      to.setWaitMs(30'000);
    };
    auto reply = ask(of, get);
    while (reply.running)
      reply = ask(of, get);
    return reply;
  }
  model::slot_reply warm(leader& of, const std::vector<wanted>& tablets, bool forced = false) {
    EXPECT_EQ(set_job(of).verdict, slot_verdict::ok);
    EXPECT_EQ(set_batch(of, 0, tablets, forced).verdict, slot_verdict::ok);
    return ended(of);
  }
  codec::push_result push_warm(leader& of, const std::vector<wanted>& tablets) {
    auto call = of.service().pushWarmRequest();
    call.setTerm(of.term());
    fill(call.initSources(), tablets);
    return codec::decode(of.wait(call.send()).getResult());
  }
  codec::cache_share verify(leader& of, const std::vector<wanted>& tablets) {
    auto call = of.service().verifyWarmRequest();
    fill(call.initSources(), tablets);
    return codec::decode(of.wait(call.send()).getShare());
  }
  codec::cache_state state(leader& of) {
    auto call = of.service().cacheStateRequest();
    call.setPartitions(5);
    return codec::decode(of.wait(call.send()).getState());
  }
  leader::scanned scan_remote(leader& of, const wanted& what, std::uint64_t version = 4, std::uint64_t from_version = 0,
                              std::uint32_t from_block = 0) {
    auto call = of.service().openRemoteScanRequest();
    fill(call.initSources(), {what});
    call.setVersion(version);
    call.setFromVersion(from_version);
    call.setFromBlock(from_block);
    return of.read_all(of.wait(call.send()).getOutcome());
  }
  void move_the_store_away() { std::filesystem::rename(shared, dir / "away"); }
  void bring_the_store_back() { std::filesystem::rename(dir / "away", shared); }
  void restart() {
    fe.reset();
    be.reset();
    auto how = paced("a");
    how.warming = limits;
    be.emplace(sys, how);
    fe.emplace(io, be->port());
    the_log_accepts(*fe);
    ASSERT_EQ(fe->attach(6), "");
  }
  /// Of all objects: heads and footers too, which published_meta::bytes does not know.
  [[nodiscard]] std::uint64_t bytes_there() const {
    std::uint64_t bytes = 0;
    for (const auto& object : objects())
      bytes += std::filesystem::file_size(object);
    return bytes;
  }
  [[nodiscard]] std::vector<std::filesystem::path> block_files() const {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir / "a" / "cache" / "blocks"))
      if (entry.is_regular_file())
        all.push_back(entry.path());
    std::ranges::sort(all);
    return all;
  }
};

}  // namespace tabletd::test
