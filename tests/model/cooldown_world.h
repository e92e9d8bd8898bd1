#pragma once
// Short words for tests of cooldown: tablet 10 with replicas A, B and C, as in spec/jobs.md D-B.  Versions begin behind
// version_initial, so the specification's [0-5] is [2-5] here.
#include "actors/model/cooldown_handler.h"
#include "actors/model/cooldown_replica.h"

#include <gtest/gtest.h>

#include <memory>

namespace tabletd::test {

using namespace model;
using namespace std::chrono_literals;

inline constexpr tablet_id tablet{10};
inline constexpr replica_id A{101}, B{102}, C{103};
inline constexpr resource_id store{1};

inline hot_rowset hot(version first, version last, time_ms written = 1000s, std::uint32_t blocks = 1) {
  return {txn_id{last}, first, last, blocks, blocks * 100, blocks, written};
}
inline remote_rowset cold(version first, version last, std::string object) {
  const std::uint32_t blocks = object.empty() ? 0 : 1;
  return {std::move(object), txn_id{last}, first, last, blocks, blocks * 100, blocks};
}
inline remote_meta meta_of(remote_meta_id id, std::vector<remote_rowset> rowsets, replica_id uploader = A) {
  return {tablet, uploader, id, store, std::move(rowsets)};
}
inline published_meta published(const remote_meta& meta, std::string object) {
  return {meta.id, meta.resource, std::move(object), 7, last_version_of(meta.rowsets), 100};
}
inline replica_disk disk_of(replica_id replica, remote_meta_id id, std::vector<remote_rowset> remote,
                            std::vector<hot_rowset> local) {
  return {tablet, replica, id, std::move(remote), std::move(local), std::nullopt};
}

/// A backend's process and disk.  What it saves is saved at once; what it puts, asks and deletes the test answers.
struct backend_rig {
  replica_disk disk;
  cooldown_options options{};
  std::unique_ptr<cooldown_replica> process = std::make_unique<cooldown_replica>(tablet, disk.replica, options);
  std::optional<cooling_rule> rule = cooling_rule{3600s, std::nullopt};
  resource_id resource = store;
  time_ms wall = 6000s;
  time_ms now = 0s;
  std::uint64_t nonce = 0xa1;
  std::vector<resource_id> stores{store};
  bool recall = false;

  replica_effects say(const replica_event& event) {
    return process->step({disk, rule, resource, wall, nonce, recall, stores}, event, now);
  }
  /// It is in office in that term, by a report sent at once.
  void appoint(term in_term, std::optional<published_meta> known = std::nullopt) {
    (void)say(conf_pushed{{disk.replica, in_term, std::move(known)}});
    (void)say(report_acknowledged{now, in_term});
  }
  replica_effects work() { return say(cooldown_work_due{}); }
  void restart() { process = std::make_unique<cooldown_replica>(tablet, disk.replica, options); }
};

/// The only effect of that kind; its absence is a failure.
template <class Effect, class Effects>
Effect only(const Effects& effects) {
  const Effect* found = nullptr;
  for (const auto& effect : effects)
    if (const auto* it = std::get_if<Effect>(&effect)) {
      EXPECT_EQ(found, nullptr) << "twice";
      found = it;
    }
  EXPECT_NE(found, nullptr) << "no such effect among " << effects.size();
  return found == nullptr ? Effect{} : *found;
}
template <class Effect, class Effects>
bool has(const Effects& effects) {
  for (const auto& effect : effects)
    if (std::holds_alternative<Effect>(effect))
      return true;
  return false;
}

/// What one upload put and what it asks for.
struct upload_trace {
  std::vector<std::string> segments;
  remote_meta meta;
  ask_publication asked;
};
/// From the first effect of an upload to the question; the store does all it is told.
inline upload_trace carry_upload(backend_rig& rig, replica_effects effects) {
  upload_trace trace;
  while (has<put_segment>(effects)) {
    const auto put = only<put_segment>(effects);
    trace.segments.push_back(put.object);
    effects = rig.say(cooldown_done{put.job});
  }
  const auto written = only<put_meta>(effects);
  trace.meta = written.meta;
  effects = rig.say(meta_written{written.job, 7, 10});
  const auto saved = only<save_asked>(effects);
  EXPECT_FALSE(has<ask_publication>(effects)) << "asked before it was saved";
  rig.disk.asked = saved.meta;
  trace.asked = only<ask_publication>(rig.say(cooldown_done{saved.job}));
  return trace;
}
inline void save(backend_rig& rig, const replica_effects& effects) {
  const auto e = only<save_set>(effects);
  EXPECT_EQ(e.change.from, rig.disk.id);
  apply(rig.disk, e.change);
  (void)rig.say(cooldown_done{e.job});
}
/// Reads the published meta and saves the set.
inline void follow(backend_rig& rig, const remote_meta& meta) {
  save(rig, rig.say(meta_fetched{only<fetch_meta>(rig.work()).job, meta}));
}

/// The tablet by the catalog, all replicas sound.
inline cooling_tablet three_replicas(cooldown_conf conf = {}) {
  return {tablet,         3, 10, false, {{A, true, false, false}, {B, true, false, false}, {C, true, false, false}},
          std::move(conf)};
}
inline cooldown_reported report_of(replica_id replica, term in_term, remote_meta_id id = {},
                                   version last = version_initial) {
  return {replica, 1, in_term, id, id, last, cooldown_phase::waiting, {}};
}

}  // namespace tabletd::test
