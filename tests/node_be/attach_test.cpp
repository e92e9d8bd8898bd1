// Who may attach, what a stale leader hears, and what strangers can break (nothing).
#include "node/log.h"
#include "tests/node_be/be_world.h"
#include <fstream>
#include <random>
#include <sstream>

namespace tabletd::test {
namespace {

struct BackendAttach : be_world {
  /// The text of the exception a call ended with.
  std::string failure_of(kj::Promise<void>&& call) {
    std::string text;
    KJ_IF_MAYBE(why, kj::runCatchingExceptions([&] { call.wait(io.waitScope); }))
      text = why->getDescription().cStr();
    return text;
  }
  static kj::Promise<void> heartbeat(leader& from, model::term term) {
    auto request = from.service().heartbeatRequest();
    request.setTerm(term);
    return request.send().ignoreResult();
  }
};

TEST_F(BackendAttach, FirstAttachBindsEveryPathAndTheDirectory) {
  auto unbound = options("a");
  unbound.binding.reset();
  std::optional<model::backend_binding> bound;
  unbound.bind = [&](const model::backend_binding& to) { bound = to; };
  {
    backend be{sys, unbound};
    leader fe{io, be.port()};
    ASSERT_EQ(fe.attach(3), "");
    EXPECT_EQ(bound, (model::backend_binding{our_cluster, model::backend_id{7}}));
    EXPECT_NE(fe.attach(3, 8).find("this is backend 7, not backend 8"), std::string::npos);
    EXPECT_NE(fe.attach(3, 7, {9}).find("belongs to cluster 0102"), std::string::npos);
  }
  // The path itself remembers: as another backend it does not even start.
  auto foreign = options("a");
  foreign.binding = model::backend_binding{our_cluster, model::backend_id{8}};
  try {
    backend be{sys, foreign};
    FAIL() << "a disk of another backend must not be served";
  } catch (const storage_error& why) {
    EXPECT_EQ(why.fault(), storage_fault::foreign) << why.what();
  }
}

TEST_F(BackendAttach, WhatACrashLeftOnAPathIsTold) {
  std::ostringstream log;
  open_log({.format = log_format::json, .to = &log});
  std::filesystem::create_directories(dir / "a" / "tmp");
  std::filesystem::permissions(dir / "a", std::filesystem::perms::owner_all);
  std::ofstream(dir / "a" / "tmp" / "notes.txt") << "not ours";
  { backend be{sys, options("a")}; }
  open_log({});
  EXPECT_NE(log.str().find("a path was not as it should be"), std::string::npos) << log.str();
  EXPECT_NE(log.str().find("notes.txt"), std::string::npos) << log.str();
}

TEST_F(BackendAttach, BindingThatCannotBeKeptRefusesTheAttach) {
  auto unbound = options("a");
  unbound.binding.reset();
  bool works = false;
  unbound.bind = [&](const model::backend_binding&) {
    if (!works)
      throw storage_error{storage_fault::io, "data", "cannot write identity: input/output error"};
  };
  unbound.paths.push_back({dir / "b", false, {}});
  std::filesystem::create_directories(dir / "b");
  backend be{sys, unbound};
  leader fe{io, be.port()};
  EXPECT_NE(fe.attach(3).find("cannot write identity"), std::string::npos);
  works = true;
  EXPECT_EQ(fe.attach(3), "");
  for (const auto& path : fe.paths())
    EXPECT_TRUE(path.online) << "the directory's trouble is not the path's: " << path.error;
}

TEST_F(BackendAttach, ALaterAttachSilencesTheEarlierLeader) {
  backend be{sys, options("a")};
  leader old{io, be.port()};
  ASSERT_EQ(old.attach(5), "");
  EXPECT_EQ(failure_of(heartbeat(old, 5)), "");

  leader same_term{io, be.port()};
  ASSERT_EQ(same_term.attach(5), "");
  EXPECT_NE(failure_of(heartbeat(old, 5)).find("replaced by a later attach"), std::string::npos);

  leader newer{io, be.port()};
  ASSERT_EQ(newer.attach(6), "");
  EXPECT_NE(failure_of(heartbeat(same_term, 5)).find("term 5 is stale"), std::string::npos);
  EXPECT_NE(failure_of(heartbeat(newer, 5)).find("term 5 is stale"), std::string::npos);
  EXPECT_EQ(failure_of(heartbeat(newer, 6)), "");
  EXPECT_NE(old.attach(5).find("term 5 is stale"), std::string::npos);
  EXPECT_EQ(be.stats().requests_fenced, 3U);
  EXPECT_EQ(be.stats().attaches_refused, 1U);
}

TEST_F(BackendAttach, EveryCallOfAStaleLeaderIsRefused) {
  backend be{sys, options("a")};
  leader old{io, be.port()};
  ASSERT_EQ(old.attach(5), "");
  auto writer = old.open_load(1, 1, 10);
  leader newer{io, be.port()};
  ASSERT_EQ(newer.attach(6), "");
  const auto refused = [&](kj::Promise<void>&& call) {
    const auto why = failure_of(kj::mv(call));
    EXPECT_TRUE(why.find("stale") != std::string::npos || why.find("replaced") != std::string::npos) << why;
  };
  auto submit = old.service().submitRequest();
  submit.setTerm(5);
  refused(submit.send().ignoreResult());
  auto publish = old.service().publishRequest();
  publish.setTerm(5);
  refused(publish.send().ignoreResult());
  auto report = old.service().reportRequest();
  report.setTerm(5);
  refused(report.send().ignoreResult());
  auto load = old.service().openLoadRequest();
  load.setTerm(5);
  refused(load.send().ignoreResult());
  refused(old.service().openScanRequest().send().ignoreResult());
  refused(writer.writeRequest().send().ignoreResult());
  refused(writer.prepareRequest().send().ignoreResult());
}

TEST_F(BackendAttach, ReportsGoToTheNewestLeaderOnly) {
  backend be{sys, options("a")};
  leader old{io, be.port()};
  ASSERT_EQ(old.attach(5), "");
  old.wait_until([&] { return old.ears().reports_full == 1; });
  leader newer{io, be.port()};
  ASSERT_EQ(newer.attach(6), "");
  newer.wait_until([&] { return newer.ears().reports_full == 1; });
  newer.create(1, 1, 10, be.node().paths()[0].hash);
  newer.wait_until([&] { return newer.ears().tablets.contains(1); });
  EXPECT_TRUE(old.ears().tablets.empty());
  EXPECT_TRUE(old.ears().ends.empty());
}

TEST_F(BackendAttach, FullReportOnRequest) {
  backend be{sys, options("a")};
  leader fe{io, be.port()};
  ASSERT_EQ(fe.attach(5), "");
  fe.wait_until([&] { return fe.ears().reports_full == 1; });
  auto request = fe.service().reportRequest();
  request.setTerm(5);
  request.send().ignoreResult().wait(io.waitScope);
  fe.wait_until([&] { return fe.ears().reports_full == 2; });
}

TEST_F(BackendAttach, StrangersBreakOnlyTheirOwnConnection) {
  backend be{sys, options("a")};
  leader fe{io, be.port()};
  ASSERT_EQ(fe.attach(5), "");
  std::mt19937_64 random{42};
  const auto send = [&](std::vector<std::uint8_t> bytes) {
    auto stream = io.provider->getNetwork()
                    .parseAddress("127.0.0.1", be.port())
                    .wait(io.waitScope)
                    ->connect()
                    .wait(io.waitScope);
    // It may be closed under our hands; that is one of the right answers.
    kj::runCatchingExceptions([&] { stream->write(bytes.data(), bytes.size()).wait(io.waitScope); });
    stream->shutdownWrite();
    kj::byte answer[256];
    kj::runCatchingExceptions([&] {
      while (stream->tryRead(answer, 1, sizeof answer).wait(io.waitScope) > 0) {
      }
    });
  };
  for (int i = 0; i < 50; ++i) {
    std::vector<std::uint8_t> noise(random() % 4'096);
    for (auto& byte : noise)
      byte = static_cast<std::uint8_t>(random());
    send(noise);
  }
  send({0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f});                         // One segment of 16 GiB.
  send({0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0});                         // Four billion segments.
  send({0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0});             // A root pointer into nowhere.
  send({'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P', '\r', '\n'});
  EXPECT_EQ(failure_of(heartbeat(fe, 5)), "");
  leader next{io, be.port()};
  EXPECT_EQ(next.attach(5), "");
}

TEST_F(BackendAttach, MalformedOrdersCostOnlyTheirCall) {
  backend be{sys, options("a")};
  leader fe{io, be.port()};
  ASSERT_EQ(fe.attach(5), "");
  auto request = fe.service().submitRequest();
  request.setTerm(5);
  request.initTasks(1)[0].setFence(9); // No kind of task.
  EXPECT_NE(failure_of(request.send().ignoreResult()).find("Task: a kind of task"), std::string::npos);
  fe.create(1, 1, 10, be.node().paths()[0].hash);
}

TEST_F(BackendAttach, APortThatIsTakenFailsTheStartAndLeavesNothingBehind) {
  backend be{sys, options("a")};
  auto second = options("b");
  second.listen = "127.0.0.1:" + std::to_string(be.port());
  EXPECT_THROW(backend(sys, second), kj::Exception);
  second.listen = "127.0.0.1:0";
  backend other{sys, second}; // Its path is not locked any more.
}

TEST_F(BackendAttach, AnotherClustersBackendGetsNoPeer) {
  backend be{sys, options("a")};
  leader fe{io, be.port()};
  auto request = fe.gateway().peerRequest();
  const model::cluster_uuid theirs{9};
  request.setClusterId(kj::arrayPtr(theirs.data(), theirs.size()));
  EXPECT_TRUE(request.send().wait(io.waitScope).getOutcome().isRefused());
}

} // namespace
} // namespace tabletd::test
