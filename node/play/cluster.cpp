// See cluster.h.
#include "node/play/cluster.h"
#include "actors/model/statement_lexer.h"
#include "node/play/free_ports.h"
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
  add_front_ends();
  for (std::uint32_t i = 1; i <= options_.backends; ++i) {
    node_place place;
    place.role = node_role::be;
    place.name = fmt::format("be{}", i);
    place.home = options_.dir / place.name;
    place.disks = options_.disks;
    nodes_.push_back(std::make_unique<node_process>(std::move(place), options_.outlives));
  }
}

void cluster::add_front_ends() {
  const bool group = options_.frontends > 1;
  const auto ports = free_ports(group ? options_.frontends : 0);
  std::vector<std::string> members;
  for (std::size_t i = 0; i < ports.size(); ++i)
    members.push_back(fmt::format("{}@127.0.0.1:{}", i + 1, ports[i]));
  for (std::uint32_t i = 0; i < options_.frontends; ++i) {
    node_place place;
    place.name = fmt::format("fe{}", i + 1);
    place.home = options_.dir / place.name;
    place.id = i + 1;
    place.frontends = members;
    if (group)
      place.edit_log_listen = fmt::format("127.0.0.1:{}", ports[i]);
    nodes_.push_back(std::make_unique<node_process>(std::move(place), options_.outlives));
  }
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
  to.addresses = ctl::parse_addresses(consoles()).addresses;
  to.connect_limit = connect_limit;
  server_ = std::make_unique<ctl::client>(std::move(to));
  server_->connect(); // Whichever answers; it waits while nobody leads.
}

std::string cluster::consoles() const {
  std::string out;
  for (const auto& one : nodes_)
    if (one->place().role == node_role::fe)
      out += (out.empty() ? "" : ",") + one->where().rpc;
  return out;
}

std::vector<frontend_row> cluster::front_ends() {
  const auto got = rows("SHOW FRONTENDS");
  return read_frontends(ctl::row_reader{got.rows()});
}

node_process& cluster::leader() {
  for (const auto& row : front_ends())
    for (auto& one : nodes_)
      if (row.leads && port_of(one->where().rpc) == row.port)
        return *one;
  throw play_failure("SHOW FRONTENDS names no leader that play has started");
}

std::uint64_t cluster::wait_caught_up(std::string_view name) {
  const auto port = port_of(node(name).where().rpc);
  std::uint64_t position = 0;
  wait_until(
    fmt::format("{} is alive and has caught up", name),
    [&]() -> std::string {
      const auto now = front_ends();
      for (const auto& one : now)
        if (one.leads && position == 0)
          position = one.replayed;
      return position == 0 ? "nobody leads" : catch_up_fault(now, port, position);
    },
    ready_limit);
  return position;
}

void cluster::add_backends() {
  std::string addresses;
  for (const auto& one : nodes_)
    if (one->place().role == node_role::be)
      addresses += (addresses.empty() ? "" : ", ") + statement_string(one->where().rpc);
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
