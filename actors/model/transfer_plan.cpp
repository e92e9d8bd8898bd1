#include "actors/model/transfer_plan.h"
#include "actors/model/load_txn.h"
#include "actors/model/name_lookup.h"
#include "actors/model/statement.h"
#include "actors/model/warmup_serving.h"
#include <algorithm>
#include <map>

namespace tabletd::model {

namespace {

bool alive(const catalog& cat, backend_id id) {
  const auto* holder = cat.backends.find(id);
  return holder && holder->alive;
}

std::string list_of(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts)
    out += (out.empty() ? "" : ", ") + part;
  return out;
}

statement_error no_majority(const catalog& cat, const table& into, const tablet& at, std::size_t usable) {
  std::vector<std::string> missing;
  for (const auto& r : at.replicas)
    if (r.damaged())
      missing.push_back("the replica on backend " + described(cat, r.backend) + " is damaged");
    else if (!alive(cat, r.backend))
      missing.push_back("backend " + described(cat, r.backend) + " is down");
    else if (!complete(r, cat.visible_version(at)))
      missing.push_back("the replica on backend " + described(cat, r.backend) + " lacks versions");
  return {error_code::unavailable,
          "tablet " + std::to_string(raw(at.id)) + " of " + into.name + " can be written to on "
            + std::to_string(usable) + " of " + std::to_string(into.replication_num) + " replicas, "
            + std::to_string(majority(into.replication_num)) + " are needed: " + list_of(missing),
          "see SHOW BACKENDS; a load needs a majority of the replicas of every tablet", {}, {}, {}, 1'000};
}

statement_error nothing_to_read(const catalog& cat, const table& from, const tablet& at, version visible) {
  std::vector<std::string> where;
  for (const auto& r : at.replicas)
    if (complete(r, visible))
      where.push_back("backend " + described(cat, r.backend) + " has one but is not linked");
  const bool lost = where.empty();
  if (lost)
    where.emplace_back("none of its " + std::to_string(at.replicas.size()) + " replicas is complete");
  return {error_code::data_loss,
          "tablet " + std::to_string(raw(at.id)) + " of " + from.name + " cannot be read at version "
            + std::to_string(visible) + ": " + list_of(where),
          lost ? "SHOW TABLET " + std::to_string(raw(at.id)) + " shows its replicas; bring back a backend that had it"
               : "bring that backend back and export again; nothing is lost",
          {}, {}, {}, {}};
}

} // namespace

std::string described(const catalog& cat, backend_id backend) {
  const auto* known = cat.backends.find(backend);
  return std::to_string(raw(backend)) + (known ? " (" + to_string(backend_address{known->host, known->port}) + ')' : "");
}

std::variant<load_plan, statement_error> plan_load(const catalog& cat, const table& into, const partition& part, std::string path) {
  load_plan plan{{}, into.id, std::move(path), into.key_column, into.separator, into.replication_num, {}};
  plan.tablets.reserve(part.buckets);
  for (std::uint32_t b = 0; b < part.buckets; ++b) {
    const auto& at = *cat.tablets.find(tablet_id{raw(part.first_tablet) + b});
    planned_tablet one{at.id, 0, 0, 0, {}, {}, {}};
    std::size_t complete_ones = 0;
    for (const auto& r : at.replicas) {
      if (r.state != replica_state::normal || r.damaged() || !alive(cat, r.backend))
        continue;
      one.replicas.push_back({r.id, r.backend});
      complete_ones += complete(r, part.visible) ? 1 : 0;
    }
    // The fold counts complete ones only: better to say so before gigabytes have travelled.
    if (!can_commit(complete_ones, into.replication_num))
      return no_majority(cat, into, at, complete_ones);
    plan.tablets.push_back(std::move(one));
  }
  return plan;
}

namespace {

/// Spreads the bytes to read over the backends.
class reading {
public:
  reading(const catalog& cat, const cluster_view& view) : cat_(cat), view_(view) {}

  /// Empty: nobody who is linked can serve it.
  std::vector<planned_replica> readers(const tablet& at, version visible) {
    std::vector<planned_replica> found;
    for (const auto& r : at.replicas) {
      const auto* seen = view_.find(r.backend);
      if (complete(r, visible) && alive(cat_, r.backend) && seen && seen->linked)
        found.push_back({r.id, r.backend});
    }
    std::stable_sort(found.begin(), found.end(),
                     [this](const auto& x, const auto& y) { return assigned_[x.backend] < assigned_[y.backend]; });
    if (!found.empty()) {
      auto& first = assigned_[found.front().backend];
      first.bytes += at.bytes;
      ++first.tablets;
    }
    return found;
  }

private:
  struct work {
    std::uint64_t bytes{};
    std::uint64_t tablets{};
    auto operator<=>(const work&) const = default;
  };
  const catalog& cat_;
  const cluster_view& view_;
  std::map<backend_id, work> assigned_;
};

/// Who of a cluster reads what of a tablet has cooled.
class remote_reading {
public:
  remote_reading(const catalog& cat, const cluster_view& view, std::string_view cluster)
    : cat_(cat), serving_(serving_backends(cat, cluster)) {
    for (const auto id : serving_)
      if (const auto* seen = view.find(id); seen && seen->linked)
        linked_.push_back(id);
  }
  [[nodiscard]] bool nobody() const { return linked_.empty(); }

  /// Nothing: nothing of it has cooled that `visible` shows.
  [[nodiscard]] std::optional<planned_remote> of(const tablet& at, version visible) const {
    const auto* meta = remote_of(cat_, at.id);
    if (!meta)
      return std::nullopt;
    planned_remote out{*meta, std::min(visible, meta->last_version), {}};
    const auto first = std::ranges::find(linked_, serving_backend(cat_, at, serving_));
    // From the one that serves it onwards, round the circle: those that stand in for it are spread, too.
    const auto begin = first == linked_.end() ? raw(at.id) % linked_.size() : static_cast<std::size_t>(first - linked_.begin());
    for (std::size_t i = 0; i < std::min(linked_.size(), remote_readers_max); ++i)
      out.backends.push_back(linked_[(begin + i) % linked_.size()]);
    return out;
  }

private:
  const catalog& cat_;
  std::vector<backend_id> serving_; ///< Alive.
  std::vector<backend_id> linked_;  ///< Of these.
};

statement_error nobody_serves(const std::string& cluster) {
  return {error_code::unavailable, "no backend of cluster " + cluster + " is alive and linked",
          "see SHOW BACKENDS; without USING CLUSTER the replicas are read, wherever they are", {}, {}, {}, 1'000};
}

/// What the reader of `plan` should know about the cluster that was asked for.
std::string note_on(const export_plan& plan, const std::string& cluster) {
  const auto remote = std::ranges::count_if(plan.tablets, [](const planned_tablet& at) { return at.remote.has_value(); });
  return remote == 0 ? "nothing of this has cooled: it is read from the replicas, and cluster " + cluster + " has no part in it"
                     : std::string{};
}

/// Each resource that the plan names, once.
std::vector<resource> resources_of(const catalog& cat, const export_plan& plan) {
  std::map<resource_id, resource> named;
  for (const auto& at : plan.tablets)
    if (at.remote && !named.contains(at.remote->meta.resource))
      named.emplace(at.remote->meta.resource, *cat.resources.find(at.remote->meta.resource));
  std::vector<resource> out;
  for (auto& [id, one] : named)
    out.push_back(std::move(one));
  return out;
}

} // namespace

std::variant<export_plan, statement_error>
plan_export(const catalog& cat, const cluster_view& view, const table& from, const std::vector<partition_id>& parts,
            std::string path, const std::string& cluster) {
  export_plan plan{std::move(path), 0, 0, {}, {}, {}};
  reading spread{cat, view};
  std::optional<remote_reading> remote;
  if (!cluster.empty()) {
    if (auto error = why_no_cluster(cat, cluster))
      return *std::move(error);
    if (remote.emplace(cat, view, cluster); remote->nobody())
      return nobody_serves(cluster);
  }
  for (const auto& part : from.partitions) {
    if (!parts.empty() && std::find(parts.begin(), parts.end(), part.id) == parts.end())
      continue;
    plan.tablets.reserve(plan.tablets.size() + part.buckets);
    for (std::uint32_t b = 0; b < part.buckets; ++b) {
      const auto& at = *cat.tablets.find(tablet_id{raw(part.first_tablet) + b});
      auto cooled = remote ? remote->of(at, part.visible) : std::nullopt;
      auto readers = spread.readers(at, part.visible);
      if (readers.empty() && !(cooled && cooled->through == part.visible))
        return nothing_to_read(cat, from, at, part.visible);
      plan.rows += at.rows;
      plan.bytes += at.bytes;
      plan.tablets.push_back({at.id, part.visible, at.rows, at.bytes, std::move(readers), part.id, std::move(cooled)});
    }
  }
  plan.resources = resources_of(cat, plan);
  if (remote)
    plan.note = note_on(plan, cluster);
  return plan;
}

} // namespace tabletd::model
