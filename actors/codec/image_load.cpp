// A catalog out of the sections of an image; see image_codec.h.
#include "actors/codec/image_codec.h"
#include "actors/codec/image_parts.h"
#include "actors/codec/image_tablets.h"
#include "actors/codec/wire_words.h"
#include <capnp/message.h> // KJ_REQUIRE comes with it.
#include <capnp/serialize-packed.h>
#include <map>
#include <tuple>

namespace tabletd::codec {

namespace {

using namespace model;
using image_parts::read;
using kind_of = wire::Section::Which;

/// What a section may unpack to: more than the largest value any edit can make.
constexpr std::uint64_t section_words_max = 32U << 20;

class section_message {
public:
  explicit section_message(std::span<const std::byte> payload)
    : stream_(kj::arrayPtr(reinterpret_cast<const kj::byte*>(payload.data()), payload.size())),
      message_(stream_, {section_words_max, 64}) {}
  [[nodiscard]] wire::Section::Reader root() { return message_.getRoot<wire::Section>(); }

private:
  kj::ArrayInputStream stream_;
  capnp::PackedMessageReader message_;
};

template <class Id, class T>
using builder_of = typename cow_map<Id, T>::builder;

/// Values of a map come in ascending order, over all sections of their kind.
template <class Id, class T>
void append(typename cow_map<Id, T>::builder& to, Id id, T value, const char* kind) {
  KJ_REQUIRE(to.follows(id), "a section is not in ascending order", kind, raw(id));
  to.append(id, std::move(value));
}

} // namespace

struct catalog_loader::state {
  catalog cat;
  bool has_cluster = false;
  std::uint64_t tablets_said{}, replicas_said{}, loads_said{};
  std::vector<carried_section> carried;

  std::map<backend_id, backend> backends;
  std::map<backend_id, packed_map<tablet_id, replica_id>::builder> held;
  std::map<database_id, std::uint32_t> tables_in;
  std::map<table_id, std::vector<txn_id>> open_loads;
  std::tuple<builder_of<database_id, database>, builder_of<table_id, table>, builder_of<tablet_id, tablet>,
             builder_of<txn_id, load>, builder_of<log_index, std::vector<txn_id>>, builder_of<tablet_id, open_order>,
             builder_of<tablet_id, open_move>, builder_of<log_index, decision_record>,
             builder_of<colocate_group_id, colocate_group>, builder_of<partition_id, time_ms>,
             builder_of<frontend_id, retention_mark>, builder_of<resource_id, resource>,
             builder_of<storage_policy_id, storage_policy>, builder_of<tablet_id, cooldown_conf>,
             builder_of<tablet_id, time_ms>, builder_of<warmup_job_id, warmup_job>>
    builders;

  template <class Id, class T>
  builder_of<Id, T>& builder() {
    return std::get<builder_of<Id, T>>(builders);
  }
  template <class Id, class T>
  void put(Id id, T value, const char* kind) {
    append<Id, T>(builder<Id, T>(), id, std::move(value), kind);
  }
  template <class Id, class T>
  void finish(cow_map<Id, T>& into) {
    into = builder<Id, T>().finish();
  }
  template <class List>
  void add_all(List from, const char* kind) {
    for (auto each : from) {
      auto [id, value] = read(each);
      put(id, std::move(value), kind);
    }
  }
  template <class T, class List>
  void add_named(by_name<T>& to, List from) {
    for (auto each : from) {
      auto [key, value] = read(each);
      KJ_REQUIRE(!to.find(key), "a section has a name twice", key.c_str());
      to.put(key, std::move(value));
    }
  }

  void add_cluster(wire::ImageCluster::Reader from);
  void add(capnp::List<wire::ImageBackend>::Reader from);
  void add(capnp::List<wire::ImageDatabase>::Reader from);
  void add(capnp::List<wire::ImageTable>::Reader from);
  void add(wire::TabletRows::Reader from);
  void add(capnp::List<wire::ImageLoad>::Reader from);
  void add(wire::Section::Reader from);
  void index_plan();
  void count_published();
};

void catalog_loader::state::add_cluster(wire::ImageCluster::Reader from) {
  KJ_REQUIRE(!has_cluster, "the image has two sections cluster");
  has_cluster = true;
  read(from, cat);
  tablets_said = from.getTablets();
  replicas_said = from.getReplicas();
  loads_said = from.getLoads();
}

void catalog_loader::state::add(capnp::List<wire::ImageBackend>::Reader from) {
  for (auto each : from) {
    auto [id, value] = read(each);
    KJ_REQUIRE(backends.empty() || backends.rbegin()->first < id, "a section is not in ascending order", "backends", raw(id));
    backends.emplace_hint(backends.end(), id, std::move(value));
    held[id];
  }
}

void catalog_loader::state::add(capnp::List<wire::ImageDatabase>::Reader from) {
  for (auto each : from) {
    auto [id, value] = read(each);
    cat.database_names.put(0, value.name, raw(id));
    put(id, std::move(value), "databases");
  }
}

void catalog_loader::state::add(capnp::List<wire::ImageTable>::Reader from) {
  for (auto each : from) {
    auto [id, value] = read(each);
    KJ_REQUIRE(!value.partitions.empty(), "tables.partitions are none", raw(id));
    cat.table_names.put(raw(value.database), value.name, raw(id));
    ++tables_in[value.database];
    put(id, std::move(value), "tables");
  }
}

void catalog_loader::state::add(wire::TabletRows::Reader from) {
  tablet_row_reader rows{from};
  std::vector<packed_map<tablet_id, replica_id>::builder*> homes;
  for (const auto& at : rows.places()) {
    const auto home = held.find(at.backend);
    KJ_REQUIRE(home != held.end(), "tablets.places has a backend that is not in the image", raw(at.backend));
    homes.push_back(&home->second);
  }
  auto& tablets = builder<tablet_id, tablet>();
  while (rows.next()) {
    const auto& t = rows.tablet();
    KJ_REQUIRE(tablets.follows(t.id), "a section is not in ascending order", "tablets", raw(t.id));
    for (std::size_t i = 0; i < t.replicas.size(); ++i) {
      auto& home = *homes[rows.place_indexes()[i]];
      KJ_REQUIRE(home.follows(t.id), "a tablet has two replicas on one backend", raw(t.id));
      home.append(t.id, t.replicas[i].id);
    }
    cat.replicas += t.replicas.size();
    tablets.append(t.id, t);
  }
}

void catalog_loader::state::add(capnp::List<wire::ImageLoad>::Reader from) {
  for (auto each : from) {
    auto [txn, value] = read(each);
    cat.labels.put(raw(value.table), value.label, raw(txn));
    if (value.state == load_state::begun || value.state == load_state::committed)
      open_loads[value.table].push_back(txn);
    put(txn, std::move(value), "loads");
  }
}

void catalog_loader::state::add(wire::Section::Reader from) {
  KJ_REQUIRE(has_cluster || from.isCluster(), "the image does not begin with its section cluster");
  switch (from.which()) {
    case kind_of::UNSET: break;
    case kind_of::CLUSTER: return add_cluster(from.getCluster());
    case kind_of::BACKENDS: return add(from.getBackends());
    case kind_of::DATABASES: return add(from.getDatabases());
    case kind_of::TABLES: return add(from.getTables());
    case kind_of::COLOCATION: return add_all(from.getColocation(), "colocation");
    case kind_of::TABLETS: return add(from.getTablets());
    case kind_of::LOADS: return add(from.getLoads());
    case kind_of::ENDED_LOADS: return add_all(from.getEndedLoads(), "endedLoads");
    case kind_of::ORDERS: return add_all(from.getOrders(), "orders");
    case kind_of::MOVES: return add_all(from.getMoves(), "moves");
    case kind_of::DECISIONS: return add_all(from.getDecisions(), "decisions");
    case kind_of::HINTS: return add_all(from.getHints(), "hints");
    case kind_of::CONFIG: return add_named(cat.config, from.getConfig());
    case kind_of::PAUSES: return add_named(cat.pauses, from.getPauses());
    case kind_of::PLANS: return add_named(cat.plans, from.getPlans());
    case kind_of::RETENTION: return add_all(from.getRetention(), "retention");
    case kind_of::RESOURCES: return add_all(from.getResources(), "resources");
    case kind_of::STORAGE_POLICIES: return add_all(from.getStoragePolicies(), "storagePolicies");
    case kind_of::COOLDOWNS: return add_all(from.getCooldowns(), "cooldowns");
    case kind_of::TOMBSTONES: return add_all(from.getTombstones(), "tombstones");
    case kind_of::WARMUPS: return add_all(from.getWarmups(), "warmups");
  }
  KJ_FAIL_REQUIRE("a section of the image says nothing that this version knows", static_cast<unsigned>(from.which()));
}

/// What is left of the plan being applied, by tablet, in its order.
void catalog_loader::state::index_plan() {
  for (const auto& [name, plan] : cat.plans.all()) {
    if (plan.state != plan_state::applying)
      continue;
    for (std::uint32_t number = 0; number < plan.moves().size(); ++number) {
      if (plan.outcomes.contains(number))
        continue;
      const auto& move = plan.moves()[number];
      const planned_step step{number, move.replica, move.target};
      if (auto* steps = cat.planned.edit(move.tablet))
        steps->push_back(step);
      else
        cat.planned.put(move.tablet, {step});
    }
  }
}

/// How many tablets' published metas lie in each resource.
void catalog_loader::state::count_published() {
  std::map<resource_id, std::uint64_t> tablets;
  cat.cooldowns.for_each([&](tablet_id, const cooldown_conf& conf) {
    if (conf.published && !is_recall(*conf.published))
      ++tablets[conf.published->resource];
  });
  for (const auto& [id, count] : tablets) {
    auto* in = cat.resources.edit(id);
    KJ_REQUIRE(in != nullptr, "cooldowns.published.resource is not in the image", raw(id));
    in->tablets = count;
  }
}

catalog_loader::catalog_loader() : state_(std::make_unique<state>()) {}
catalog_loader::~catalog_loader() = default;

void catalog_loader::add(std::uint32_t kind, std::uint32_t flags, std::span<const std::byte> payload) {
  if (section_name(kind).empty()) {
    KJ_REQUIRE((flags & image_required) == 0,
               "the image has a section that this version does not know and must not leave out; upgrade tabletd", kind);
    state_->carried.push_back({kind, flags, {payload.begin(), payload.end()}});
    return;
  }
  section_message message{payload};
  const auto root = message.root();
  KJ_REQUIRE(static_cast<std::uint32_t>(root.which()) == kind, "a section of the image is not of the kind it is filed as",
             static_cast<unsigned>(root.which()), kind);
  state_->add(root);
}

loaded_catalog catalog_loader::finish() {
  auto& s = *state_;
  auto& cat = s.cat;
  KJ_REQUIRE(s.has_cluster, "the image has no section cluster");
  builder_of<backend_id, backend> backends;
  for (auto& [id, value] : s.backends) {
    value.tablets = s.held[id].finish();
    backends.append(id, std::move(value));
  }
  cat.backends = backends.finish();
  s.finish(cat.databases);
  s.finish(cat.tables);
  s.finish(cat.tablets);
  s.finish(cat.loads);
  s.finish(cat.ended_loads);
  s.finish(cat.orders);
  s.finish(cat.moves);
  s.finish(cat.decisions);
  s.finish(cat.colocate_groups);
  s.finish(cat.hints);
  s.finish(cat.retention);
  s.finish(cat.resources);
  s.finish(cat.storage_policies);
  s.finish(cat.cooldowns);
  s.finish(cat.tombstones);
  s.finish(cat.warmup.jobs);
  s.count_published();
  for (const auto& [id, count] : s.tables_in) {
    auto* db = cat.databases.edit(id);
    KJ_REQUIRE(db != nullptr, "tables.database is not in the image", raw(id));
    db->tables = count;
  }
  for (auto& [id, open] : s.open_loads) {
    auto* owner = cat.tables.edit(id);
    KJ_REQUIRE(owner != nullptr, "a load is open for a table that is not in the image", raw(id));
    owner->open_loads = std::move(open);
  }
  s.index_plan();
  KJ_REQUIRE(cat.tablets.size() == s.tablets_said, "the image has not all its tablets", cat.tablets.size(), s.tablets_said);
  KJ_REQUIRE(cat.replicas == s.replicas_said, "the image has not all its replicas", cat.replicas, s.replicas_said);
  KJ_REQUIRE(cat.loads.size() == s.loads_said, "the image has not all its loads", cat.loads.size(), s.loads_said);
  return {std::move(cat), std::move(s.carried)};
}

// -- for printing ------------------------------------------------------------------------

void read_section(std::span<const std::byte> payload, const std::function<void(wire::Section::Reader)>& read_any,
                  const std::function<void(wire::ImageTablet::Reader)>& read_tablet) {
  section_message message{payload};
  const auto root = message.root();
  if (!root.isTablets())
    return read_any(root);
  tablet_row_reader rows{root.getTablets()};
  while (rows.next()) {
    capnp::MallocMessageBuilder words;
    auto to = words.initRoot<wire::ImageTablet>();
    const auto& t = rows.tablet();
    to.setId(raw(t.id));
    to.setTable(raw(t.table));
    to.setPartition(raw(t.partition));
    to.setBucket(t.bucket);
    to.setRows(t.rows);
    to.setBytes(t.bytes);
    to.setSettled(raw(t.settled));
    auto replicas = to.initReplicas(size_of(t.replicas));
    for (unsigned i = 0; i < replicas.size(); ++i) {
      const auto& r = t.replicas[i];
      replicas[i].setId(raw(r.id));
      replicas[i].setBackend(raw(r.backend));
      replicas[i].setPath(raw(r.path));
      replicas[i].setVersion(r.version);
      replicas[i].setLastFailed(r.last_failed);
      replicas[i].setLastSuccess(r.last_success);
      replicas[i].setClone(r.state == replica_state::clone);
      replicas[i].setBad(r.bad);
      replicas[i].setSetBad(r.set_bad);
    }
    read_tablet(to.asReader());
  }
}

} // namespace tabletd::codec
