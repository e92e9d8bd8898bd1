// Backends as they come, die, return, link and report, and their disks.
#include "actors/model/offline/simulation.h"
#include <limits>

namespace tabletd::model::offline {

namespace {

constexpr std::uint16_t first_port = 9'060;
/// Backends do not report in the same moment.
constexpr time_ms report_stagger{97};

std::string no_such_backend(backend_number number, std::size_t count) {
  return "there is no backend " + std::to_string(number) + ", they are 1 to " + std::to_string(count);
}

} // namespace

sim_backend* simulation::by_id(backend_id id) {
  const auto at = numbers_.find(id);
  return at == numbers_.end() ? nullptr : &backends_[at->second - 1];
}

sim_backend* simulation::by_address(const std::string& host, std::uint16_t port) {
  for (auto& b : backends_)
    if (b.port == port && b.host == host)
      return &b;
  return nullptr;
}

// -- they come ---------------------------------------------------------------------------

std::string simulation::carry_out(const gen_cluster& c) {
  if (backends_.size() + c.backends > std::numeric_limits<std::uint16_t>::max() - first_port)
    return "there are no ports for so many backends";
  const auto first = backends_.size();
  const auto hosts = c.hosts == 0 ? c.backends : c.hosts;
  for (std::uint32_t at = 0; at < c.backends; ++at)
    add_backend(c, "host" + std::to_string(first + 1 + at % hosts));
  return "";
}

/// Linked and reported at once: a scenario begins with a cluster at work.
void simulation::add_backend(const gen_cluster& c, const std::string& host) {
  auto& b = backends_.emplace_back();
  b.number = static_cast<std::uint32_t>(backends_.size());
  b.host = host;
  b.port = static_cast<std::uint16_t>(first_port + b.number);
  b.id = backend_id{append(backend_added{b.host, b.port, c.cluster, {}}).id};
  numbers_[b.id] = b.number;
  for (std::uint32_t p = 1; p <= c.paths; ++p)
    b.paths.push_back({path_hash{raw(b.id) * 1'000 + p}, c.medium, c.capacity_gib << 30U, 0, 0, 0});
  append(backend_returned{b.id, b.paths_seen()});
  attach(b.memory, b.boot);
  refresh_view(b);
  const auto first = options_.report_every + report_stagger * b.number;
  const auto report_for_ever = [this, number = b.number](const auto& again) -> void {
    auto& on = backends_[number - 1];
    if (on.up && on.linked)
      report(on);
    after(options_.report_every, [again] { again(again); });
  };
  after(first, [report_for_ever] { report_for_ever(report_for_ever); });
}

// -- what happens to them ----------------------------------------------------------------

std::string simulation::carry_out(const treat_backends& c) {
  for (const auto number : c.backends) {
    if (!find(number))
      return no_such_backend(number, backends_.size());
    auto& b = backends_[number - 1];
    switch (c.how) {
      case backend_fate::kill: kill(b); break;
      case backend_fate::revive: revive(b); break;
      case backend_fate::wipe: wipe(b); break;
      case backend_fate::decommission: append(backend_decommission{b.id, true}); break;
      case backend_fate::recommission: append(backend_decommission{b.id, false}); break;
    }
  }
  return "";
}

void simulation::kill(sim_backend& b) {
  if (!b.up)
    return;
  b.up = b.linked = b.reported = false;
  for (const auto& [fence, task] : b.running) {
    if (std::holds_alternative<clone_order>(task.what.what))
      copies_.failed(transfers_.stop(fence, now_));
    copying_at_.erase(fence);
  }
  b.running.clear();
  b.ended.clear();
  refresh_view(b);
  fail_copies_from(b.id);
  after(options_.dead_after, [this, id = b.id, boot = b.boot] {
    if (const auto& on = *by_id(id); on.up || on.boot != boot || !append(backend_died{id}).ok())
      return;
    try_waiting(id);
  });
}

void simulation::revive(sim_backend& b) {
  if (b.up)
    return;
  b.up = true;
  link_later(b);
}

void simulation::wipe(sim_backend& b) {
  while (!b.disk.empty())
    erase(b, b.disk.begin()->first, false);
  report_later(b, options_.report_after);
}

// -- they link and report ----------------------------------------------------------------

void simulation::link_later(sim_backend& b) {
  ++b.boot;
  after(options_.link_after, [this, id = b.id, boot = b.boot] {
    if (auto& on = *by_id(id); on.up && on.boot == boot && !on.linked)
      link(on);
  });
}

void simulation::link(sim_backend& b) {
  b.linked = true;
  attach(b.memory, b.boot);
  refresh_view(b);
  try_waiting(b.id);
  const auto* known = cat_.backends.find(b.id);
  if (!known || known->alive)
    return report_later(b, options_.report_after);
  after(options_.back_after, [this, id = b.id, boot = b.boot] {
    auto& on = *by_id(id);
    if (!on.up || on.boot != boot)
      return;
    append(backend_returned{id, on.paths_seen()});
    try_waiting(id);
    report_later(on, options_.report_after);
  });
}

void simulation::report_later(sim_backend& b, time_ms delay) {
  ++reports_due_;
  after(delay, [this, id = b.id, boot = b.boot] {
    --reports_due_;
    if (auto& on = *by_id(id); on.up && on.linked && on.boot == boot)
      report(on);
  });
}

void simulation::report(sim_backend& b) {
  backend_report full;
  full.boot = b.boot;
  full.full = true;
  for (const auto& [tablet, r] : b.disk) {
    auto& held = full.tablets.emplace_back();
    held.tablet = tablet;
    held.replica = r.id;
    held.path = r.path;
    held.version = r.whole_to;
    held.max_version = r.highest();
    held.bad = r.bad;
  }
  auto found = diff(cat_, b.id, full, b.memory, now_);
  if (found.fate != report_fate::folded)
    return;
  for (auto& edit : found.edits)
    append(std::move(edit));
  for (const auto& task : found.tasks)
    start_task(b, task);
  if (found.full_wanted)
    report_later(b, std::max(*found.full_wanted - now_, time_ms{1}));
  b.reported = true;
  refresh_view(b);
}

void simulation::refresh_view(sim_backend& b) {
  if (!cat_.backends.contains(b.id)) {
    cluster_.backends.erase(b.id);
    return;
  }
  auto& seen = cluster_.backends[b.id];
  seen.id = b.id;
  seen.boot = b.boot;
  seen.linked = b.linked;
  seen.reported = b.reported;
  seen.paths.resize(b.paths.size());
  for (std::size_t at = 0; at < b.paths.size(); ++at) {
    const auto& p = b.paths[at];
    auto& to = seen.paths[at];
    to.hash = p.hash;
    to.medium = p.medium;
    to.capacity_bytes = p.capacity_bytes;
    to.data_bytes = p.replica_bytes;
    to.available_bytes = p.capacity_bytes - p.used_bytes();
    to.tablets = p.tablets;
  }
}

// -- disks -------------------------------------------------------------------------------

std::string simulation::carry_out(const fill_disk& c) {
  if (!find(c.backend))
    return no_such_backend(c.backend, backends_.size());
  auto& b = backends_[c.backend - 1];
  if (c.path > b.paths.size())
    return "backend " + std::to_string(c.backend) + " has " + std::to_string(b.paths.size()) + " paths";
  auto& p = b.paths[c.path - 1];
  const auto wanted = p.capacity_bytes / 100 * c.percent;
  p.other_bytes = wanted - std::min(wanted, p.replica_bytes);
  return "";
}

std::string simulation::carry_out(const corrupt& c) {
  if (!find(c.backend))
    return no_such_backend(c.backend, backends_.size());
  auto& b = backends_[c.backend - 1];
  std::vector<disk_replica*> good;
  for (auto& [tablet, r] : b.disk)
    if (!r.bad)
      good.push_back(&r);
  if (good.size() < c.count)
    return "backend " + std::to_string(c.backend) + " has only " + std::to_string(good.size()) + " replicas to corrupt";
  for (std::uint32_t done = 0; done < c.count; ++done) {
    const auto at = dice_.below(good.size());
    good[at]->bad = true;
    std::swap(good[at], good.back());
    good.pop_back();
  }
  report_later(b, options_.report_after);
  return "";
}

table_sizes* simulation::sizes_of(const tablet& t) {
  const auto name = table_names_.find(t.table);
  return name == table_names_.end() ? nullptr : &tables_.at(name->second).sizes;
}

std::uint64_t simulation::bytes_of(tablet_id tablet, const disk_replica& r) {
  const auto* t = cat_.tablets.find(tablet);
  const auto* sizes = t ? sizes_of(*t) : nullptr;
  std::uint64_t bytes = 0;
  if (sizes)
    for (version v = 2; v <= r.highest(); ++v)
      bytes += r.has(v) ? sizes->of(t->bucket, v) : 0;
  return bytes;
}

void simulation::put(sim_backend& b, tablet_id tablet, replica_id replica, path_hash path) {
  b.disk[tablet] = {replica, path, version_initial, {}, false};
  ++b.path(path).tablets;
}

void simulation::add_version(sim_backend& b, tablet_id tablet, disk_replica& r, version v) {
  if (r.has(v))
    return;
  r.add(v);
  const auto& t = *cat_.tablets.find(tablet);
  if (const auto* sizes = sizes_of(t))
    b.path(r.path).replica_bytes += sizes->of(t.bucket, v);
}

/// `on_purpose`: the front end asked for it, so another disk must have everything a reader may see.
void simulation::erase(sim_backend& b, tablet_id tablet, bool on_purpose) {
  const auto gone = b.disk.at(tablet);
  auto& path = b.path(gone.path);
  path.replica_bytes -= std::min(path.replica_bytes, bytes_of(tablet, gone));
  --path.tablets;
  b.disk.erase(tablet);
  const auto* t = cat_.tablets.find(tablet);
  if (!on_purpose || !t || !gone.serves(cat_.visible_version(*t)))
    return;
  for (const auto& other : backends_)
    if (const auto at = other.disk.find(tablet); at != other.disk.end() && at->second.serves(cat_.visible_version(*t)))
      return;
  fail("the last whole copy of tablet " + std::to_string(raw(tablet)) + " was erased on backend "
       + std::to_string(b.number));
}

} // namespace tabletd::model::offline
