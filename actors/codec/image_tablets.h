#pragma once
// Tablets as the rows of wire::TabletRows, whose schema says what each byte means; private to image_*.cpp.
#include "actors/model/catalog.h"
#include "schemas/image.capnp.h"
#include <tsl/robin_map.h>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tabletd::codec {

/// Collects the rows of one section after another.
class tablet_row_writer {
public:
  void add(const model::tablet& t);
  [[nodiscard]] std::uint32_t count() const { return count_; }
  /// What the section takes by now, about.
  [[nodiscard]] std::size_t bytes() const { return rows_.size() + places_.size() * sizeof(model::place); }
  /// Writes what was collected and begins anew.
  void flush(wire::TabletRows::Builder to);

private:
  struct place_hash {
    std::size_t operator()(const model::place& at) const {
      return (model::raw(at.backend) * 0x9e37'79b9'7f4a'7c15ULL ^ model::raw(at.path)) * 0xff51'afd7'ed55'8ccdULL >> 16;
    }
  };
  void number(std::uint64_t n);
  void add(const model::replica& r);
  [[nodiscard]] std::uint32_t index_of(const model::place& at);

  std::vector<std::uint8_t> rows_;
  std::vector<model::place> places_;
  tsl::robin_map<model::place, std::uint32_t, place_hash> indexes_;
  model::tablet before_;
  model::replica replica_before_;
  std::uint32_t count_ = 0;
};

/// Takes the rows of one section apart.  Throws kj::Exception where they do not make sense.
class tablet_row_reader {
public:
  explicit tablet_row_reader(wire::TabletRows::Reader from);
  /// False: that was the last one.
  [[nodiscard]] bool next();
  [[nodiscard]] const model::tablet& tablet() const { return tablet_; }
  /// Of each of its replicas, into places().
  [[nodiscard]] const std::vector<std::uint32_t>& place_indexes() const { return indexes_; }
  [[nodiscard]] const std::vector<model::place>& places() const { return places_; }

private:
  [[nodiscard]] std::uint8_t byte();
  [[nodiscard]] std::uint64_t number();
  [[nodiscard]] std::uint64_t long_number();
  void read_replica();

  std::vector<model::place> places_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint32_t left_;
  bool first_ = true;
  model::tablet tablet_;
  model::replica replica_;
  std::vector<std::uint32_t> indexes_;
};

} // namespace tabletd::codec
