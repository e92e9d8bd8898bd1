// See image_tablets.h.
#include "actors/codec/image_tablets.h"
#include "actors/codec/wire_words.h"
#include <capnp/message.h> // KJ_REQUIRE comes with it.
#include <utility>

namespace tabletd::codec {

using namespace model;

namespace {

// Bits of a tablet's byte; the rest is how many replicas it has.
constexpr unsigned same_partition = 1, next_bucket = 2, has_settled = 4, replicas_shift = 3;
constexpr std::size_t replicas_inline_max = 31; ///< This and more: the difference follows.
// Bits of a replica's byte.
constexpr unsigned is_clone = 1, is_bad = 2, is_set_bad = 4, same_version = 8, has_failed = 16, has_success = 32;

std::uint64_t folded(std::uint64_t difference) {
  return difference << 1U ^ (difference >> 63U ? ~std::uint64_t{} : 0);
}
std::uint64_t unfolded(std::uint64_t n) { return n >> 1U ^ (n & 1U ? ~std::uint64_t{} : 0); }

} // namespace

// -- writing -----------------------------------------------------------------------------

void tablet_row_writer::number(std::uint64_t n) {
  for (; n >= 0x80; n >>= 7U)
    rows_.push_back(static_cast<std::uint8_t>(n | 0x80U));
  rows_.push_back(static_cast<std::uint8_t>(n));
}

std::uint32_t tablet_row_writer::index_of(const place& at) {
  const auto [found, is_new] = indexes_.try_emplace(at, static_cast<std::uint32_t>(places_.size()));
  if (is_new)
    places_.push_back(at);
  return found->second;
}

void tablet_row_writer::add(const tablet& t) {
  const bool same = count_ > 0 && t.table == before_.table && t.partition == before_.partition;
  const bool next = t.bucket == before_.bucket + 1;
  const auto shown = std::min(t.replicas.size(), replicas_inline_max);
  number(raw(t.id) - raw(before_.id));
  rows_.push_back(static_cast<std::uint8_t>((same ? same_partition : 0) | (next ? next_bucket : 0)
                                            | (raw(t.settled) != 0 ? has_settled : 0) | shown << replicas_shift));
  if (shown == replicas_inline_max)
    number(t.replicas.size() - replicas_inline_max);
  if (!same) {
    number(raw(t.table));
    number(raw(t.partition));
  }
  if (!next)
    number(t.bucket);
  number(t.rows);
  number(t.bytes);
  if (raw(t.settled) != 0)
    number(raw(t.settled));
  for (const auto& r : t.replicas)
    add(r);
  before_.id = t.id;
  before_.table = t.table;
  before_.partition = t.partition;
  before_.bucket = t.bucket;
  ++count_;
}

void tablet_row_writer::add(const replica& r) {
  const bool same = r.version == replica_before_.version;
  const bool other_success = r.last_success != r.version;
  rows_.push_back(static_cast<std::uint8_t>((r.state == replica_state::clone ? is_clone : 0) | (r.bad ? is_bad : 0)
                                            | (r.set_bad ? is_set_bad : 0) | (same ? same_version : 0)
                                            | (r.last_failed != 0 ? has_failed : 0) | (other_success ? has_success : 0)));
  number(folded(raw(r.id) - raw(replica_before_.id)));
  number(index_of({r.backend, r.path}));
  if (!same)
    number(r.version);
  if (r.last_failed != 0)
    number(r.last_failed);
  if (other_success)
    number(r.last_success);
  replica_before_.id = r.id;
  replica_before_.version = r.version;
}

void tablet_row_writer::flush(wire::TabletRows::Builder to) {
  to.setCount(count_);
  auto places = to.initPlaces(size_of(places_));
  for (unsigned i = 0; i < places.size(); ++i) {
    places[i].setBackend(raw(places_[i].backend));
    places[i].setPath(raw(places_[i].path));
  }
  to.setRows(kj::arrayPtr(rows_.data(), rows_.size()));
  rows_.clear();
  places_.clear();
  indexes_.clear();
  before_ = {};
  replica_before_ = model::replica{};
  count_ = 0;
}

// -- reading -----------------------------------------------------------------------------

tablet_row_reader::tablet_row_reader(wire::TabletRows::Reader from)
  : at_(from.getRows().begin()), end_(from.getRows().end()), left_(from.getCount()) {
  places_.reserve(from.getPlaces().size());
  for (auto at : from.getPlaces())
    places_.push_back({backend_id{at.getBackend()}, path_hash{at.getPath()}});
}

std::uint8_t tablet_row_reader::byte() {
  KJ_REQUIRE(at_ != end_, "tablets.rows end before the last tablet");
  return *at_++;
}

std::uint64_t tablet_row_reader::number() { return at_ != end_ && *at_ < 0x80 ? *at_++ : long_number(); }

std::uint64_t tablet_row_reader::long_number() {
  std::uint64_t n = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto next = byte();
    KJ_REQUIRE(shift < 63 || next < 2, "tablets.rows have a number of more than 64 bits");
    n |= std::uint64_t{next & 0x7fU} << shift;
    if (next < 0x80)
      return n;
  }
}

bool tablet_row_reader::next() {
  if (left_ == 0) {
    KJ_REQUIRE(at_ == end_, "tablets.rows go on behind the last tablet", end_ - at_);
    return false;
  }
  --left_;
  const auto step = number();
  KJ_REQUIRE(first_ || step > 0, "tablets.rows have a tablet twice");
  KJ_REQUIRE(step <= ~raw(tablet_.id), "tablets.rows are not in ascending order");
  tablet_.id = tablet_id{raw(tablet_.id) + step};
  const unsigned flags = byte();
  std::uint64_t replicas = flags >> replicas_shift;
  if (replicas == replicas_inline_max)
    replicas += number();
  KJ_REQUIRE(!(first_ && (flags & same_partition)), "tablets.rows begin with the partition of nobody");
  if (!(flags & same_partition)) {
    tablet_.table = table_id{number()};
    tablet_.partition = partition_id{number()};
  }
  tablet_.bucket = flags & next_bucket ? tablet_.bucket + 1 : static_cast<std::uint32_t>(number());
  tablet_.rows = number();
  tablet_.bytes = number();
  tablet_.settled = log_index{flags & has_settled ? number() : 0};
  tablet_.replicas.clear();
  indexes_.clear();
  for (; replicas > 0; --replicas)
    read_replica();
  first_ = false;
  return true;
}

void tablet_row_reader::read_replica() {
  const unsigned flags = byte();
  replica_.state = flags & is_clone ? replica_state::clone : replica_state::normal;
  replica_.bad = (flags & is_bad) != 0;
  replica_.set_bad = (flags & is_set_bad) != 0;
  const auto id = raw(replica_.id) + unfolded(number());
  KJ_REQUIRE(id <= replica_id_max, "tablets.rows name a replica that cannot be", id);
  replica_.id = replica_id{id};
  const auto index = number();
  KJ_REQUIRE(index < places_.size(), "tablets.rows name a place that is not listed", index);
  replica_.backend = places_[index].backend;
  replica_.path = places_[index].path;
  if (!(flags & same_version))
    replica_.version = number();
  replica_.last_failed = flags & has_failed ? number() : 0;
  replica_.last_success = flags & has_success ? number() : replica_.version;
  tablet_.replicas.push_back(replica_);
  indexes_.push_back(static_cast<std::uint32_t>(index));
}

} // namespace tabletd::codec
