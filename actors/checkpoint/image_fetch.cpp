// See image_fetch.h.
#include "actors/checkpoint/image_fetch.h"

#include <algorithm>

namespace tabletd {

image_fetch::image_fetch(fetch_order order, image_receiver receiver, ask_fn ask, fetch_pace pace, model::time_ms now)
  : order_(std::move(order)), receiver_(std::move(receiver)), ask_(std::move(ask)), pace_(pace), last_chunk_(now),
    last_asked_(now) {
  ask_more();
}

void image_fetch::ask_more() {
  const auto end = std::min(order_.image.bytes, receiver_.received() + model::chunks_under_way_max * model::chunk_bytes);
  for (; asked_upto_ < end; asked_upto_ += model::chunk_bytes)
    ask_(asked_upto_);
}

bool image_fetch::take(const model::chunk_given& chunk, model::time_ms now) {
  last_chunk_ = last_asked_ = now;
  if (chunk.offset >= receiver_.received() && chunk.offset < asked_upto_)
    early_.emplace(chunk.offset, chunk.bytes);
  for (auto at = early_.find(receiver_.received()); at != early_.end(); at = early_.find(receiver_.received())) {
    const auto bytes = std::move(at->second);
    early_.erase(at);
    receiver_.append(bytes);
  }
  ask_more();
  return receiver_.received() == order_.image.bytes;
}

bool image_fetch::tick(model::time_ms now) {
  if (now - last_chunk_ >= pace_.give_up_after)
    return false;
  if (now - last_asked_ >= pace_.ask_again_after) {
    last_asked_ = now;
    asked_upto_ = receiver_.received();
    ask_more();
  }
  return true;
}

} // namespace tabletd
