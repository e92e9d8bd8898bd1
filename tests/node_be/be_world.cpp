#include "tests/node_be/be_world.h"
#include "actors/codec/agent_codec.h"
#include "node/loop_call.h"
#include "persistence/rowset_file.h"
#include <algorithm>
#include <cstdlib>
#include <random>

namespace tabletd::test {

temp_dir::temp_dir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tabletd-be-XXXXXX").string();
  if (!::mkdtemp(pattern.data()))
    throw std::runtime_error("no temporary directory");
  path = pattern;
}

// -- backend -----------------------------------------------------------------------------

backend::backend(caf::actor_system& sys, be_options options, bool frozen) {
  place_.loop = kj_loop::start([this, frozen](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
    place_.network = &io.provider->getNetwork();
    place_.timer = &io.provider->getTimer();
    if (frozen)
      place_.timer = (frozen_ = std::make_shared<kj::TimerImpl>(kj::origin<kj::TimePoint>())).get();
    return frozen_;
  });
  try {
    node_ = be_node::start(std::move(options), sys, place_);
  } catch (...) {
    place_.loop->stop();
    throw;
  }
  port_ = node_->port();
}

void backend::pass(kj::Duration span) {
  // Twice: what is due now may wait for something else first.
  for (const auto part : {span, 0 * kj::SECONDS})
    call_in_loop(*place_.loop, [this, part]() -> kj::Promise<void> {
      frozen_->advanceTo(frozen_->now() + part);
      return kj::evalLast([] {});
    });
}

void backend::stop() {
  if (node_)
    node_->stop();
  node_.reset();
  if (place_.loop)
    place_.loop->stop();
}

// -- rows --------------------------------------------------------------------------------

std::uint64_t row_bytes::checksum() const {
  return checksum_of({reinterpret_cast<const std::byte*>(rows.data()), rows.size()});
}

row_bytes make_rows(std::uint32_t count, std::size_t length, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  row_bytes block{{}, count};
  block.rows.resize(count * length);
  for (auto& c : block.rows)
    c = static_cast<char>('a' + random() % 26);
  for (std::size_t row = 1; row <= count; ++row)
    block.rows[row * length - 1] = '\n';
  return block;
}

// -- leader ------------------------------------------------------------------------------

namespace {

class sink final : public wire::ReportSink::Server {
public:
  explicit sink(std::shared_ptr<heard> ears) : ears_(std::move(ears)) {}
  kj::Promise<void> tablets(TabletsContext context) override {
    const auto report = context.getParams().getReport();
    EXPECT_GE(report.getStamp(), ears_->stamp) << "stamps never go back";
    ears_->stamp = report.getStamp();
    if (report.getFull()) {
      ears_->tablets.clear();
      ++ears_->reports_full;
    }
    for (const auto gone : report.getGone())
      ears_->tablets.erase(gone.getTablet());
    for (const auto tablet : report.getTablets())
      ears_->tablets[tablet.getTablet()] = codec::decode(tablet);
    ears_->prepared.clear();
    for (const auto txn : report.getPrepared())
      ears_->prepared.push_back(txn);
    ears_->news();
    return kj::READY_NOW;
  }
  kj::Promise<void> tasks(TasksContext context) override {
    for (const auto ended : context.getParams().getEnded())
      ears_->ends.push_back(codec::decode(ended));
    ears_->news();
    return kj::READY_NOW;
  }

  kj::Promise<void> cooldown(CooldownContext context) override {
    std::vector<std::pair<wire::CooldownReport::Reader, model::term>> acknowledged;
    for (const auto report : context.getParams().getReports()) {
      const auto id = [](wire::RemoteMetaId::Reader from) { return model::remote_meta_id{from.getTerm(), from.getSeq()}; };
      const heard::cooldown_said said{report.getReplica(),
                                      report.getTerm(),
                                      id(report.getPublished()),
                                      id(report.getId()),
                                      report.getRemoteLast(),
                                      static_cast<model::cooldown_phase>(report.getPhase()),
                                      report.getWhy().cStr()};
      ears_->cooldown[report.getTablet()] = said;
      ++ears_->cooldown_reports;
      if (const auto term = ears_->acknowledge(said))
        acknowledged.emplace_back(report, term);
    }
    auto list = context.getResults().initAcknowledged(static_cast<unsigned>(acknowledged.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setTablet(acknowledged[i].first.getTablet());
      list[i].setReplica(acknowledged[i].first.getReplica());
      list[i].setReport(acknowledged[i].first.getReport());
      list[i].setTerm(acknowledged[i].second);
    }
    ears_->news();
    return kj::READY_NOW;
  }
  kj::Promise<void> publishMeta(PublishMetaContext context) override {
    context.getResults().setVerdict(ears_->publish(codec::decode(context.getParams().getAsked().getMeta())));
    ears_->news();
    return kj::READY_NOW;
  }
  kj::Promise<void> confirmDeletion(ConfirmDeletionContext context) override {
    context.getResults().setConfirmed(ears_->confirm_deletion());
    ears_->news();
    return kj::READY_NOW;
  }

private:
  std::shared_ptr<heard> ears_;
};

} // namespace

leader::leader(kj::AsyncIoContext& io, std::uint16_t port) : io_(io) {
  stream_ = wait(io.provider->getNetwork().parseAddress("127.0.0.1", port).then([](kj::Own<kj::NetworkAddress>&& at) {
    auto promise = at->connect();
    return promise.attach(kj::mv(at));
  }));
  client_ = kj::heap<capnp::TwoPartyClient>(*stream_);
  gateway_ = client_->bootstrap().castAs<wire::BackendGateway>();
}

std::string leader::attach(model::term term, std::uint64_t backend, model::cluster_uuid cluster) {
  auto request = gateway_.attachRequest();
  auto hello = request.initHello();
  hello.setClusterId(kj::arrayPtr(cluster.data(), cluster.size()));
  hello.setBackend(backend);
  hello.setTerm(term);
  hello.setLeader(1);
  request.setSink(kj::heap<sink>(ears_));
  auto response = request.send().wait(io_.waitScope);
  if (response.getOutcome().isRefused())
    return response.getOutcome().getRefused().cStr();
  service_ = kj::heap<wire::BackendService::Client>(response.getOutcome().getAccepted().getService());
  term_ = term;
  return {};
}

void leader::wait_until(const std::function<bool()>& done) {
  while (!done()) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    ears_->waiter = kj::mv(paf.fulfiller);
    paf.promise.wait(io_.waitScope);
  }
}

void leader::submit(const std::vector<model::agent_task>& tasks) {
  auto request = service().submitRequest();
  request.setTerm(term_);
  auto list = request.initTasks(static_cast<unsigned>(tasks.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    codec::encode(tasks[i], list[i]);
  request.send().ignoreResult().wait(io_.waitScope);
}

model::task_end leader::end_of(model::log_index fence, std::size_t nth) {
  const auto count = [&] {
    return static_cast<std::size_t>(
      std::ranges::count_if(ears_->ends, [&](const auto& end) { return end.fence == fence; }));
  };
  wait_until([&] { return count() >= nth; });
  return *std::ranges::find_if(ears_->ends, [&](const auto& end) { return end.fence == fence; });
}

model::task_end leader::carry_out(const model::agent_task& task) {
  submit({task});
  return end_of(task.fence);
}

void leader::create(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica, std::uint64_t path) {
  const auto end = carry_out({model::log_index{fence}, model::create_order{model::tablet_id{tablet},
                                                                           model::replica_id{replica},
                                                                           model::path_hash{path}}});
  ASSERT_TRUE(end.done()) << std::get<model::task_failed>(end.outcome).message;
}

std::vector<disk_status> leader::paths() {
  auto request = service().heartbeatRequest();
  request.setTerm(term_);
  const auto response = request.send().wait(io_.waitScope);
  std::vector<disk_status> all;
  for (const auto path : response.getStatus().getPaths()) {
    disk_status status{path.getHash(), path.getRoot().cStr(),   path.getSsd(),
                       {},             path.getOnline(), path.getError().cStr()};
    status.usage.available_bytes = path.getAvailableBytes();
    all.push_back(status);
  }
  return all;
}

wire::LoadWriter::Client leader::open_load(std::uint64_t txn, std::uint64_t tablet, std::uint64_t replica) {
  auto request = service().openLoadRequest();
  request.setTerm(term_);
  request.setTxn(txn);
  auto target = request.initTablets(1)[0];
  target.setTablet(tablet);
  target.setReplica(replica);
  return request.send().wait(io_.waitScope).getWriter();
}

void leader::write(wire::LoadWriter::Client& to, std::uint64_t tablet, const row_bytes& block) {
  auto request = to.writeRequest();
  request.setTablet(tablet);
  request.setRows(block.count);
  request.setChecksum(block.checksum());
  request.setBlock(kj::arrayPtr(reinterpret_cast<const kj::byte*>(block.rows.data()), block.rows.size()));
  request.send().ignoreResult().wait(io_.waitScope);
}

std::string leader::prepare(wire::LoadWriter::Client& to, std::uint64_t tablet, const std::vector<row_bytes>& blocks) {
  auto request = to.prepareRequest();
  auto expected = request.initTablets(1)[0];
  expected.setTablet(tablet);
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  for (const auto& block : blocks) {
    rows += block.count;
    bytes += block.rows.size();
  }
  expected.setRows(rows);
  expected.setBytes(bytes);
  const auto response = request.send().wait(io_.waitScope);
  return response.getFailed().size() == 0 ? std::string{} : std::string{response.getFailed()[0].getMessage().cStr()};
}

leader::published leader::publish_all(std::uint64_t txn, std::uint64_t version,
                                      const std::vector<std::uint64_t>& tablets) {
  auto request = service().publishRequest();
  request.setTerm(term_);
  auto verdict = request.initTxns(1)[0];
  verdict.setTxn(txn);
  verdict.setVersion(version);
  auto list = verdict.initTablets(static_cast<unsigned>(tablets.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, tablets[i]);
  return request.send().wait(io_.waitScope);
}

std::vector<std::uint64_t> leader::unpublished(std::uint64_t txn, std::uint64_t version,
                                               const std::vector<std::uint64_t>& tablets) {
  const auto response = publish_all(txn, version, tablets);
  std::vector<std::uint64_t> failed;
  for (const auto one : response.getFailed())
    failed.push_back(one.getTablet());
  return failed;
}

std::string leader::publish(std::uint64_t txn, std::uint64_t version, const std::vector<std::uint64_t>& tablets) {
  const auto response = publish_all(txn, version, tablets);
  return response.getFailed().size() == 0 ? std::string{} : std::string{response.getFailed()[0].getMessage().cStr()};
}

void leader::load(std::uint64_t txn, std::uint64_t version, std::uint64_t tablet, std::uint64_t replica,
                  const std::vector<row_bytes>& blocks) {
  auto writer = open_load(txn, tablet, replica);
  for (const auto& block : blocks)
    write(writer, tablet, block);
  ASSERT_EQ(prepare(writer, tablet, blocks), "");
  ASSERT_EQ(publish(txn, version, {tablet}), "");
}

leader::scanned leader::scan(std::uint64_t tablet, std::uint64_t replica, std::uint64_t version,
                             std::uint64_t from_version, std::uint32_t from_block) {
  auto request = service().openScanRequest();
  request.setTablet(tablet);
  request.setReplica(replica);
  request.setVersion(version);
  request.setFromVersion(from_version);
  request.setFromBlock(from_block);
  auto opened = request.send().wait(io_.waitScope);
  return read_all(opened.getOutcome());
}

leader::scanned leader::read_all(wire::ScanOutcome::Reader outcome) {
  if (outcome.isFailed())
    return {{}, outcome.getFailed().cStr()};
  auto scan = outcome.getScan();
  scanned out;
  for (;;) {
    const auto response = scan.nextRequest().send().wait(io_.waitScope);
    const auto block = response.getBlock();
    if (block.getError().size() > 0)
      return {std::move(out.bytes), block.getError().cStr(), out.blocks};
    if (block.getEnd())
      return out;
    const auto data = block.getData();
    EXPECT_EQ(checksum_of({reinterpret_cast<const std::byte*>(data.begin()), data.size()}), block.getChecksum());
    out.bytes.append(reinterpret_cast<const char*>(data.begin()), data.size());
    ++out.blocks;
  }
}

// -- cable -------------------------------------------------------------------------------

struct cable::wire_pair {
  kj::Own<kj::AsyncIoStream> near;
  kj::Own<kj::AsyncIoStream> far;
  std::uint64_t left; ///< Until it is cut.
};

cable::cable(kj::AsyncIoContext& io, std::uint16_t to)
  : io_(io),
    receiver_(io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen()),
    port_(static_cast<std::uint16_t>(receiver_->getPort())),
    to_(to),
    accepting_(accept().eagerlyEvaluate([](kj::Exception&&) {})) {}

kj::Promise<void> cable::accept() {
  return receiver_->accept().then([this](kj::Own<kj::AsyncIoStream>&& near) {
    ++connections_;
    auto left = ~std::uint64_t{0};
    if (!cuts_planned_.empty()) {
      left = cuts_planned_.front();
      cuts_planned_.pop_front();
    }
    served_.add(io_.provider->getNetwork()
                  .parseAddress("127.0.0.1", to_)
                  .then([](kj::Own<kj::NetworkAddress>&& at) {
                    auto promise = at->connect();
                    return promise.attach(kj::mv(at));
                  })
                  .then([this, left, near = kj::mv(near)](kj::Own<kj::AsyncIoStream>&& far) mutable {
                    auto pair = kj::heap<wire_pair>(wire_pair{kj::mv(near), kj::mv(far), left});
                    auto both = pump(*pair, false).exclusiveJoin(pump(*pair, true));
                    return both.attach(kj::mv(pair));
                  }));
    return accept();
  });
}

kj::Promise<void> cable::pump(wire_pair& pair, bool back) {
  auto buffer = kj::heapArray<kj::byte>(64 << 10);
  auto& from = back ? *pair.far : *pair.near;
  auto& to = back ? *pair.near : *pair.far;
  auto read = from.tryRead(buffer.begin(), 1, buffer.size());
  return read.then([this, &pair, back, &to, buffer = kj::mv(buffer)](std::size_t bytes) mutable -> kj::Promise<void> {
    if (bytes == 0)
      return kj::READY_NOW;
    auto before = kj::Promise<void>(kj::READY_NOW);
    if (back) {
      if (silent_)
        return kj::NEVER_DONE;
      if (bytes >= pair.left) {
        ++cuts_;
        news();
        return kj::READY_NOW; // Both ends are closed with the pair.
      }
      pair.left -= bytes;
      if (bytes >= hold_left_) {
        hold_left_ = ~std::uint64_t{0};
        auto paf = kj::newPromiseAndFulfiller<void>();
        held_ = kj::mv(paf.fulfiller);
        before = kj::mv(paf.promise);
        news();
      } else {
        hold_left_ -= bytes;
      }
    }
    return before
      .then([&to, bytes, buffer = kj::mv(buffer)]() mutable {
        auto written = to.write(buffer.begin(), bytes);
        return written.attach(kj::mv(buffer));
      })
      .then([this, &pair, back] { return pump(pair, back); });
  });
}

void cable::release() {
  auto held = kj::mv(held_);
  held->fulfill();
}

void cable::news() {
  if (waiter_.get() != nullptr && waiter_->isWaiting())
    waiter_->fulfill();
}

void cable::wait_until(const std::function<bool()>& done) {
  while (!done()) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    waiter_ = kj::mv(paf.fulfiller);
    paf.promise.wait(io_.waitScope);
  }
}

void cable::wait_until_cut() {
  wait_until([this] { return cuts_ > 0; });
}

void cable::wait_until_held() {
  wait_until([this] { return held_.get() != nullptr; });
}

// -- world -------------------------------------------------------------------------------

be_options be_world::options(const std::string& name, std::uint64_t quota_bytes) {
  be_options options;
  std::filesystem::create_directories(dir / name);
  options.paths.push_back({dir / name, false, {{}, quota_bytes}});
  options.binding = model::backend_binding{our_cluster, model::backend_id{7}};
  options.facts.boot = 99;
  options.report.tick_ms = model::time_ms{5};
  options.clone.retry_first_ms = model::time_ms{1};
  return options;
}

model::agent_task be_world::clone_task(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica,
                                       std::uint64_t path, model::version version, std::uint16_t port,
                                       std::uint64_t source_replica) {
  return {model::log_index{fence},
          model::clone_order{model::log_index{fence}, model::tablet_id{tablet}, model::replica_id{replica},
                             model::path_hash{path}, version, "127.0.0.1", port, model::replica_id{source_replica}}};
}

std::vector<std::filesystem::path> be_world::segments(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "tablets"))
    if (entry.path().extension() == ".seg")
      all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

std::size_t be_world::files_of(const std::filesystem::path& root) {
  std::size_t files = 0;
  for (const char* below : {"tablets", "tmp"})
    if (std::filesystem::exists(root / below))
      for (const auto& entry : std::filesystem::recursive_directory_iterator(root / below))
        files += entry.is_regular_file() ? 1 : 0;
  return files;
}

} // namespace tabletd::test
