#pragma once
// The actor that blocks on image files, so that nobody else does: saves a frozen catalog, gives chunks to the
// other members, receives an image from one of them, verifies it and puts it in place.  Detached.
#include "actors/checkpoint/checkpoint_exchange.h"
#include "actors/checkpoint/image_fetch.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tabletd {

struct image_keeper_ports {
  std::shared_ptr<image_shelf> shelf;
  checkpoint_exchange_ptr exchange;
  catalog_cell_ptr cell;
  replaceable_catalog_actor catalog;
  model::boot_id boot{};
  std::function<model::time_ms()> wall_clock;
  std::function<model::term()> term;  ///< That consensus is in.
  /// To the journal: image_kept and install_ended.
  std::function<void(const model::image_mark& image, std::uint64_t older)> kept;
  std::function<void(const model::image_to_install& what, bool is_in_place)> install_ended;
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  fetch_pace pace;
};

struct image_keeper_state {
  static inline const char* name = "image_keeper";
  image_keeper_ports ports;
  std::optional<image_fetch> fetch;               ///< One at a time.
  bool timer_is_set = false;
  std::optional<codec::loaded_catalog> installed; ///< Of an image whose install is not over,
  model::image_mark installing;                   ///< and which image that is.
};

image_keeper_actor::behavior_type image_keeper(image_keeper_actor::stateful_pointer<image_keeper_state> self,
                                               image_keeper_ports ports);

} // namespace tabletd
