// The sections of an image out of a catalog; see image_codec.h.
#include "actors/codec/image_codec.h"
#include "actors/codec/image_parts.h"
#include "actors/codec/image_tablets.h"
#include "actors/codec/wire_words.h"
#include <capnp/message.h>
#include <capnp/schema.h>
#include <capnp/serialize-packed.h>

namespace tabletd::codec {

namespace {

using namespace model;
using image_parts::fill;
using image_parts::words_of;
using kind_of = wire::Section::Which;

/// Of a message, before it is packed.  Larger ones would not be read any faster.
constexpr std::size_t section_words_wanted = (1U << 20) / sizeof(capnp::word);

void send(const section_sink& sink, kind_of kind, capnp::MessageBuilder& message) {
  kj::VectorOutputStream packed;
  capnp::writePackedMessage(packed, message);
  const auto bytes = packed.getArray();
  sink(static_cast<std::uint32_t>(kind), image_required, std::as_bytes(std::span{bytes.begin(), bytes.size()}));
}

/// Collects the values of a map, by pointer, until they make a section; `init` makes the list.
template <class Key, class T, class Init>
class list_writer {
public:
  list_writer(kind_of kind, const section_sink& sink, Init init) : kind_(kind), sink_(sink), init_(init) {}
  void add(Key key, const T& value) {
    const auto words = words_of(value);
    if (words_ + words > section_words_wanted)
      flush();
    batch_.emplace_back(key, &value);
    words_ += words;
  }
  void flush() {
    if (batch_.empty())
      return;
    capnp::MallocMessageBuilder message{static_cast<unsigned>(words_) + 16};
    auto list = init_(message.initRoot<wire::Section>(), size_of(batch_));
    for (unsigned i = 0; i < list.size(); ++i)
      fill(list[i], batch_[i].first, *batch_[i].second);
    send(sink_, kind_, message);
    batch_.clear();
    words_ = 0;
  }

private:
  kind_of kind_;
  const section_sink& sink_;
  Init init_;
  std::vector<std::pair<Key, const T*>> batch_;
  std::size_t words_ = 0;
};

template <class Id, class T, class Init>
void write(kind_of kind, const section_sink& sink, const cow_map<Id, T>& map, Init init) {
  list_writer<Id, T, Init> writer{kind, sink, init};
  map.for_each([&](Id id, const T& value) { writer.add(id, value); });
  writer.flush();
}
template <class T, class Init>
void write(kind_of kind, const section_sink& sink, const by_name<T>& map, Init init) {
  list_writer<std::string_view, T, Init> writer{kind, sink, init};
  for (const auto& [name, value] : map.all())
    writer.add(name, value);
  writer.flush();
}

void write_cluster(const catalog& cat, const section_sink& sink) {
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<wire::Section>().initCluster(), cat);
  send(sink, kind_of::CLUSTER, message);
}

void write_tablets(const catalog& cat, const section_sink& sink) {
  tablet_row_writer rows;
  const auto flush = [&] {
    capnp::MallocMessageBuilder message{static_cast<unsigned>(rows.bytes() / sizeof(capnp::word)) + 16};
    rows.flush(message.initRoot<wire::Section>().initTablets());
    send(sink, kind_of::TABLETS, message);
  };
  cat.tablets.for_each([&](tablet_id, const tablet& t) {
    rows.add(t);
    if (rows.bytes() > section_words_wanted * sizeof(capnp::word))
      flush();
  });
  if (rows.count() > 0)
    flush();
}

} // namespace

void write_catalog(const catalog& cat, const std::vector<carried_section>& carried, const section_sink& sink) {
  write_cluster(cat, sink);
  write(kind_of::BACKENDS, sink, cat.backends, [](auto root, unsigned n) { return root.initBackends(n); });
  write(kind_of::DATABASES, sink, cat.databases, [](auto root, unsigned n) { return root.initDatabases(n); });
  write(kind_of::TABLES, sink, cat.tables, [](auto root, unsigned n) { return root.initTables(n); });
  write(kind_of::COLOCATION, sink, cat.colocate_groups, [](auto root, unsigned n) { return root.initColocation(n); });
  write_tablets(cat, sink);
  write(kind_of::LOADS, sink, cat.loads, [](auto root, unsigned n) { return root.initLoads(n); });
  write(kind_of::ENDED_LOADS, sink, cat.ended_loads, [](auto root, unsigned n) { return root.initEndedLoads(n); });
  write(kind_of::ORDERS, sink, cat.orders, [](auto root, unsigned n) { return root.initOrders(n); });
  write(kind_of::MOVES, sink, cat.moves, [](auto root, unsigned n) { return root.initMoves(n); });
  write(kind_of::DECISIONS, sink, cat.decisions, [](auto root, unsigned n) { return root.initDecisions(n); });
  write(kind_of::HINTS, sink, cat.hints, [](auto root, unsigned n) { return root.initHints(n); });
  write(kind_of::CONFIG, sink, cat.config, [](auto root, unsigned n) { return root.initConfig(n); });
  write(kind_of::PAUSES, sink, cat.pauses, [](auto root, unsigned n) { return root.initPauses(n); });
  write(kind_of::PLANS, sink, cat.plans, [](auto root, unsigned n) { return root.initPlans(n); });
  write(kind_of::RETENTION, sink, cat.retention, [](auto root, unsigned n) { return root.initRetention(n); });
  write(kind_of::RESOURCES, sink, cat.resources, [](auto root, unsigned n) { return root.initResources(n); });
  write(kind_of::STORAGE_POLICIES, sink, cat.storage_policies,
        [](auto root, unsigned n) { return root.initStoragePolicies(n); });
  write(kind_of::COOLDOWNS, sink, cat.cooldowns, [](auto root, unsigned n) { return root.initCooldowns(n); });
  write(kind_of::TOMBSTONES, sink, cat.tombstones, [](auto root, unsigned n) { return root.initTombstones(n); });
  write(kind_of::WARMUPS, sink, cat.warmup.jobs, [](auto root, unsigned n) { return root.initWarmups(n); });
  for (const auto& section : carried)
    sink(section.kind, section.flags, section.payload);
}

// -- names -------------------------------------------------------------------------------

std::string_view section_name(std::uint32_t kind) {
  for (auto field : capnp::Schema::from<wire::Section>().getUnionFields())
    if (kind != 0 && field.getProto().getDiscriminantValue() == kind) {
      const auto name = field.getProto().getName();
      return {name.begin(), name.size()};
    }
  return {};
}

std::optional<std::uint32_t> section_kind(std::string_view name) {
  for (auto field : capnp::Schema::from<wire::Section>().getUnionFields())
    if (const auto known = field.getProto().getName(); std::string_view{known.begin(), known.size()} == name)
      if (const auto kind = field.getProto().getDiscriminantValue(); kind != 0)
        return kind;
  return std::nullopt;
}

} // namespace tabletd::codec
