#pragma once
// One image on its way in, chunk by chunk: a few asked for at a time, written in order, asked for again
// when nothing comes.  Knows files, but no actor.
#include "actors/checkpoint/ports.h"
#include "actors/checkpoint/image_shelf.h"

#include <functional>

namespace tabletd {

struct fetch_pace {
  model::time_ms ask_again_after{1'000};  ///< Without a chunk.
  model::time_ms give_up_after{15'000};   ///< The same.
};

class image_fetch {
public:
  using ask_fn = std::function<void(std::uint64_t offset)>;

  /// Asks for the first chunks.  Throws storage_error.
  image_fetch(fetch_order order, image_receiver receiver, ask_fn ask, fetch_pace pace, model::time_ms now);

  /// True: all of it is written.  Throws storage_error.
  [[nodiscard]] bool take(const model::chunk_given& chunk, model::time_ms now);
  /// False: whoever has it is silent.
  [[nodiscard]] bool tick(model::time_ms now);

  [[nodiscard]] const fetch_order& order() const { return order_; }
  [[nodiscard]] image_receiver& receiver() { return receiver_; }

private:
  void ask_more();

  fetch_order order_;
  image_receiver receiver_;
  ask_fn ask_;
  fetch_pace pace_;
  std::uint64_t asked_upto_ = 0;
  std::map<std::uint64_t, std::vector<std::byte>> early_;  ///< By offset: came before their predecessor.
  model::time_ms last_chunk_;
  model::time_ms last_asked_;
};

} // namespace tabletd
