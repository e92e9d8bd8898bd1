// See cluster.h.
#include "node/play/cluster.h"
#include "actors/model/statement_lexer.h"
#include "node/play/placement_check.h"
#include <fmt/format.h>

namespace tabletd::play {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto ready_limit = 30s;
constexpr auto stop_limit = 10s;
constexpr auto poll_every = 100ms;
constexpr auto connect_limit = 10s;

} // namespace

std::string statement_string(const std::string& text) { return model::quoted(text); }

cluster::cluster(cluster_options options) : options_(std::move(options)) {
  const auto add = [this](node_role role, const std::string& name, std::uint32_t disks) {
    node_place place;
    place.role = role;
    place.name = name;
    place.home = options_.dir / name;
    place.disks = disks;
    nodes_.push_back(std::make_unique<node_process>(std::move(place), options_.outlives));
  };
  add(node_role::fe, "fe1", 0);
  for (std::uint32_t i = 1; i <= options_.backends; ++i)
    add(node_role::be, fmt::format("be{}", i), options_.disks);
}

void cluster::start() {
  for (auto& one : nodes_)
    one->start(options_.binary);
  for (auto& one : nodes_)
    one->wait_ready(ready_limit);
  dial();
  add_backends();
}

void cluster::dial() {
  ctl::client_options to;
  to.addresses = ctl::parse_addresses(front().where().rpc).addresses;
  to.connect_limit = connect_limit;
  server_ = std::make_unique<ctl::client>(std::move(to));
  server_->connect();
}

void cluster::add_backends() {
  std::string addresses;
  for (std::size_t i = 1; i < nodes_.size(); ++i)
    addresses += (i == 1 ? "" : ", ") + statement_string(nodes_[i]->where().rpc);
  run("ALTER SYSTEM ADD BACKEND " + addresses);
  wait_until(
    "all backends are alive",
    [this]() -> std::string {
      const auto got = rows("SHOW BACKENDS");
      for (const auto& one : read_backends(ctl::row_reader{got.rows()}))
        if (!one.alive)
          return fmt::format("backend {} (port {}) is not alive: {}", one.id, one.port, one.error);
      return {};
    },
    ready_limit);
}

void cluster::stop() {
  if (server_)
    server_->hang_up();
  for (auto one = nodes_.rbegin(); one != nodes_.rend(); ++one)
    (*one)->stop(stop_limit);
}

node_process& cluster::node(std::string_view name) {
  std::string names;
  for (auto& one : nodes_) {
    if (one->name() == name)
      return *one;
    names += " " + one->name();
  }
  throw play_failure(fmt::format("there is no node '{}'; there are{}", name, names));
}

void cluster::start_node(std::string_view name) {
  auto& one = node(name);
  one.start(options_.binary);
  one.wait_ready(ready_limit);
}

ctl::answer cluster::run(const std::string& statement) {
  auto got = server_->execute(statement);
  if (!got.ok())
    throw play_failure(
      fmt::format("{}\n{}", statement, ctl::error_text(got.error, {.text = statement})));
  return got;
}

ctl::answer cluster::rows(const std::string& statement) {
  auto got = run(statement);
  if (got.what != ctl::answer::kind::rows)
    throw play_failure(fmt::format("{} answered without rows: {}", statement, got.message));
  return got;
}

std::uint64_t cluster::backend_id(std::string_view name) {
  const auto port = port_of(node(name).where().rpc);
  const auto got = rows("SHOW BACKENDS");
  for (const auto& one : read_backends(ctl::row_reader{got.rows()}))
    if (one.port == port)
      return one.id;
  throw play_failure(
    fmt::format("SHOW BACKENDS lists no backend with the port {} of {}", port, name));
}

void cluster::wait_until(std::string_view what, const std::function<std::string()>& fault,
                         std::chrono::milliseconds limit) {
  const auto give_up = steady::now() + limit;
  std::string last;
  while (true) {
    try {
      last = fault();
      if (last.empty())
        return;
    } catch (const play_failure& why) {
      last = why.what();
    } catch (const ctl::client_failure& why) {
      if (why.why() == ctl::trouble::interrupted)
        throw;
      last = why.what();
    }
    if (steady::now() >= give_up)
      throw play_failure(
        fmt::format("waited {} s until {}; last seen: {}", limit.count() / 1000, what, last));
    if (!server_->sleep(poll_every))
      throw ctl::client_failure(ctl::trouble::interrupted, "interrupted");
  }
}

std::string cluster::overview() {
  std::string out = fmt::format("  {:<6} {:<8} {:>8}  {:<22} {:<28} {}\n", "node", "state", "pid",
                                "rpc", "http", "log");
  for (auto& one : nodes_) {
    const auto state = one->state();
    out += fmt::format("  {:<6} {:<8} {:>8}  {:<22} {:<28} {}\n", one->name(), name(state),
                       one->pid() > 0 ? std::to_string(one->pid()) : "-", one->where().rpc,
                       "http://" + one->where().http, one->place().log_file().string());
  }
  return out;
}

} // namespace tabletd::play
