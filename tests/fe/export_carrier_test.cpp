// EXPORT ... USING CLUSTER over real links to backends that follow a script: who is asked for what, from where on, and
// what becomes of the export when one of them fails.
#include "actors/codec/console_codec.h"
#include "node/fe/backend_links.h"
#include "node/fe/export_carrier.h"
#include "node/kj_text.h"
#include "node/loop_call.h"
#include "node/rpc_port.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;
using model::raw;

struct piece {
  std::uint64_t version{};
  std::uint32_t block{};
  std::string rows;
};
/// Versions 1 to 3 in one rowset of three blocks, then 4 and 5: what every source of the tablet holds.
const std::vector<piece> tablet{{3, 0, "a\n"}, {3, 1, "b\n"}, {3, 2, "c\n"}, {4, 0, "d\n"}, {5, 0, "e\n"}};

/// What a backend does; loop thread, once the links are up.
struct script {
  std::string refuses_remote;                ///< Why it opens none; empty: it does.
  std::string refuses_replica;
  std::size_t replica_scans = 0;             ///< It opens so many before it refuses.
  bool is_merged = false;                    ///< Into one rowset, so it opens whole scans only.
  std::size_t breaks_after = SIZE_MAX;       ///< Blocks of a remote scan, then an error.
  std::vector<std::string>* asked = nullptr; ///< What anybody was asked, in order.
};

class fake_scan final : public wire::Scan::Server {
public:
  fake_scan(std::vector<piece> pieces, std::size_t breaks_after) : pieces_(std::move(pieces)), breaks_after_(breaks_after) {}
  kj::Promise<void> next(NextContext context) override {
    auto to = context.getResults().initBlock();
    if (at_ == breaks_after_) {
      to.setError("the store is gone");
    } else if (at_ == pieces_.size()) {
      to.setEnd(true);
      return kj::READY_NOW;
    } else {
      const auto& from = pieces_[at_];
      to.setVersion(from.version);
      to.setFirstVersion(from.version);
      to.setBlock(from.block);
      to.setRows(1);
      to.setData(kj::arrayPtr(reinterpret_cast<const kj::byte*>(from.rows.data()), from.rows.size()));
      to.setChecksum(XXH3_64bits(from.rows.data(), from.rows.size()));
    }
    ++at_;
    return kj::READY_NOW;
  }

private:
  std::vector<piece> pieces_;
  std::size_t breaks_after_;
  std::size_t at_ = 0;
};

class fake_service final : public wire::BackendService::Server {
public:
  fake_service(model::backend_id id, const script& does) : id_(id), does_(does) {}
  kj::Promise<void> openRemoteScan(OpenRemoteScanContext context) override {
    const auto wanted = context.getParams();
    const auto sources = wanted.getSources();
    const auto of = sources.getTablets()[0];
    note("remote {} by {} from {} resource up to {}, from {}", of.getTablet(), of.getMeta().getObject().cStr(),
         sources.getResources().size(), wanted.getVersion(), position(wanted));
    open(context, does_.refuses_remote, wanted.getVersion(), does_.breaks_after);
    return kj::READY_NOW;
  }
  kj::Promise<void> openScan(OpenScanContext context) override {
    const auto wanted = context.getParams();
    note("replica {} up to {}, from {}", wanted.getReplica(), wanted.getVersion(), position(wanted));
    const bool opens = scans_++ < does_.replica_scans && !(does_.is_merged && wanted.getFromVersion() > 0);
    open(context, opens ? std::string{} : does_.refuses_replica, wanted.getVersion(), SIZE_MAX);
    return kj::READY_NOW;
  }

private:
  /// "3.2 of 3": version, block and, if it goes on in a rowset, its first version.
  template <class Params>
  static std::string position(const Params& wanted) {
    return fmt::format("{}.{}{}", wanted.getFromVersion(), wanted.getFromBlock(),
                       wanted.getFromBlock() > 0 ? fmt::format(" of {}", wanted.getFromFirst()) : "");
  }
  template <class... Words>
  void note(std::string_view how, const Words&... words) {
    does_.asked->push_back(fmt::format("{}: ", raw(id_)) + fmt::format(fmt::runtime(how), words...));
  }
  template <class Context>
  void open(Context& context, const std::string& refuses, std::uint64_t up_to, std::size_t breaks_after) {
    auto outcome = context.getResults().initOutcome();
    if (!refuses.empty())
      return outcome.setFailed(refuses.c_str());
    const auto wanted = context.getParams();
    std::vector<piece> rest;
    for (const auto& one : tablet)
      if (one.version <= up_to
          && std::tie(one.version, one.block) >= std::make_tuple(wanted.getFromVersion(), wanted.getFromBlock()))
        rest.push_back(one);
    outcome.setScan(kj::heap<fake_scan>(std::move(rest), breaks_after));
  }

  model::backend_id id_;
  const script& does_;
  std::size_t scans_ = 0;
};

class fake_gateway final : public wire::BackendGateway::Server {
public:
  fake_gateway(model::backend_id id, const script& does) : id_(id), does_(does) {}
  kj::Promise<void> attach(AttachContext context) override {
    auto accepted = context.getResults().initOutcome().initAccepted();
    accepted.setService(kj::heap<fake_service>(id_, does_));
    accepted.setBootId(7);
    return kj::READY_NOW;
  }

private:
  model::backend_id id_;
  const script& does_;
};

constexpr model::backend_id blue1{1}, blue2{2}, holder{3};

/// Two backends of the cluster, and one that has the replica.
struct ExportCarrier : ::testing::Test {
  ~ExportCarrier() noexcept override {} // KJ members may throw; then the test is over anyway.
  caf::actor_system_config config;
  caf::actor_system sys{config};
  caf::scoped_actor ears{sys};
  std::vector<std::string> asked;
  std::map<model::backend_id, script> scripts;
  std::shared_ptr<backend_links> links = std::make_shared<backend_links>();
  kj::Network* network = nullptr;
  kj_loop_ptr loop;
  std::vector<kj::Own<rpc_port>> rpc;

  void SetUp() override {
    loop = kj_loop::start([this](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
      network = &io.provider->getNetwork();
      return nullptr;
    });
    call_in_loop(*loop, [this]() -> kj::Promise<void> {
      links->start(*loop, sys, *network, loop->timer());
      return kj::READY_NOW;
    });
    for (const auto id : {blue1, blue2, holder})
      attach(id);
  }
  void TearDown() override {
    call_in_loop(*loop, [this]() -> kj::Promise<void> {
      links->stop();
      rpc.clear();
      return kj::READY_NOW;
    });
    loop->stop();
  }
  void attach(model::backend_id id) {
    auto& does = scripts[id];
    does.asked = &asked;
    std::uint16_t port = 0;
    call_in_loop(*loop, [&] {
      return network->parseAddress("127.0.0.1:0").then([&](kj::Own<kj::NetworkAddress>&& address) {
        rpc.push_back(kj::heap<rpc_port>(
          address->listen(), rpc_port::ports{loop->timer(), [id, &does] { return kj::heap<fake_gateway>(id, does); }, [] {}}));
        port = rpc.back()->number();
      });
    });
    links->attach({{}, id, 3, 1}, "127.0.0.1", port, agent());
    ears->receive([](const std::string& said) { EXPECT_EQ(said, "attached"); },
                  caf::after(10s) >> [] { ADD_FAILURE() << "no link"; });
  }
  backend_agent_actor agent() {
    return sys.spawn(
      [to = caf::actor_cast<caf::actor>(ears)](backend_agent_actor::pointer, int) -> backend_agent_actor::behavior_type {
        return {[to](const backend_event& event) {
                  if (event.get().isAttached())
                    caf::anon_send(to, std::string{"attached"});
                },
                [](const task_order&) { return task_ended{}; }, [](const publish_order&) { return publish_ended{}; },
                [](const catalog_advanced&) {}, [](tick_due) {}};
      },
      0);
  }

  /// Tablet 50, visible up to 5; remote up to `through`.
  static model::export_plan plan(model::version through, std::vector<model::planned_replica> replicas = {{model::replica_id{9}, holder}}) {
    model::planned_tablet one{model::tablet_id{50}, 5, 5, 10, std::move(replicas), model::partition_id{40}, {}};
    one.remote = model::planned_remote{{{1, 1}, model::resource_id{8}, "50.meta", 1, through, 6}, through, {blue1, blue2}};
    return {"/f", 5, 10, {one}, {{model::resource_id{8}, "cold", model::resource_type::file, {{"root", "/c"}}}}, ""};
  }
  /// All rows, or "rows ! error".
  std::string carried(const model::export_plan& plan) {
    std::string out;
    call_in_loop(*loop, [&] {
      auto from = kj::heap<api::Download::Client>(kj::heap<export_carrier>(links, codec::seal_outcome(plan)));
      auto all = read_on(*from, out);
      return all.attach(kj::mv(from));
    });
    return out;
  }
  static kj::Promise<void> read_on(api::Download::Client& from, std::string& out) {
    return from.readRequest().send().then([&from, &out](auto&& response) -> kj::Promise<void> {
      if (response.getError().getCode() != api::ErrorCode::UNSPECIFIED) {
        out += fmt::format("! {}", response.getError().getMessage().cStr());
        return kj::READY_NOW;
      }
      const auto chunk = response.getChunk();
      out.append(reinterpret_cast<const char*>(chunk.begin()), chunk.size());
      return response.getEnd() ? kj::Promise<void>{kj::READY_NOW} : read_on(from, out);
    });
  }
  using questions = std::vector<std::string>;
};

TEST_F(ExportCarrier, WhatHasCooledComesFromTheClusterTheRestFromAReplica) {
  EXPECT_EQ(carried(plan(3)), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(asked, (questions{"3: replica 9 up to 5, from 4.0", "1: remote 50 by 50.meta from 1 resource up to 3, from 0.0"}));
}

TEST_F(ExportCarrier, WhatIsAllRemoteNeedsNoReplica) {
  EXPECT_EQ(carried(plan(5, {})), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(asked, (questions{"1: remote 50 by 50.meta from 1 resource up to 5, from 0.0"}));
}

TEST_F(ExportCarrier, AnotherOfTheClusterGoesOnWhereOneBreaksOff) {
  scripts[blue1].breaks_after = 2;
  EXPECT_EQ(carried(plan(3)), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(asked, (questions{"3: replica 9 up to 5, from 4.0", "1: remote 50 by 50.meta from 1 resource up to 3, from 0.0",
                         "2: remote 50 by 50.meta from 1 resource up to 3, from 3.2 of 3"}));
}

TEST_F(ExportCarrier, WithoutTheClusterReplicasReadItAll) {
  scripts[blue1].refuses_remote = scripts[blue2].refuses_remote = "no cache";
  EXPECT_EQ(carried(plan(3)), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(asked.back(), "3: replica 9 up to 5, from 0.0");
}

TEST_F(ExportCarrier, AReplicaGoesOnInTheMiddleIfItIsCutThere) {
  scripts[blue1].breaks_after = 1;
  scripts[blue2].refuses_remote = "no cache";
  EXPECT_EQ(carried(plan(3)), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(asked.back(), "3: replica 9 up to 5, from 3.1 of 3");
}

TEST_F(ExportCarrier, IfNobodyCanGoOnTheExportSaysWhereItStopped) {
  scripts[blue1].breaks_after = 1;
  scripts[blue2].refuses_remote = "no cache";
  scripts[holder].replica_scans = 1;  // For what follows the cooled part.
  scripts[holder].refuses_replica = "replica 9 of tablet 50 has a rowset across version 5 or 3";
  EXPECT_EQ(carried(plan(3)),
            "a\n! tablet 50 cannot be read at version 5, from version 3, block 1 on, from the cluster or any replica: backend 1, "
            "for the cluster: the store is gone; backend 2, for the cluster: no cache; backend 3: replica 9 of tablet 50 has a rowset "
            "across version 5 or 3");
}

// It has been merged with what is cooled since the export was planned.
TEST_F(ExportCarrier, IfNoReplicaIsCutAfterTheCooledPartOneReadsItAll) {
  scripts[holder].refuses_replica = "no rowset begins there";
  scripts[holder].replica_scans = SIZE_MAX;
  scripts[holder].is_merged = true;
  EXPECT_EQ(carried(plan(3)), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(asked, (questions{"3: replica 9 up to 5, from 4.0", "3: replica 9 up to 5, from 0.0"}));
}

TEST_F(ExportCarrier, ABackendThatIsAwayIsPassedOver) {
  links->detach(blue1);
  EXPECT_EQ(carried(plan(3)), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(asked.at(1), "2: remote 50 by 50.meta from 1 resource up to 3, from 0.0");
}

}  // namespace
}  // namespace tabletd::test
