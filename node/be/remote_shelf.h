#pragma once
// The remote stores this backend has heard of, opened when first needed.  Any thread.
#include "actors/codec/agent_cooldown_codec.h"
#include "persistence/remote/remote_store.h"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace tabletd {

class remote_shelf {
public:
  /// Where stores are from now on; one that moved is opened anew, and calls that are under way end where they began.  A
  /// lower version than is known changes nothing: plans are made long before they are carried out.
  void know(const std::vector<codec::resource_definition>& resources);
  /// remote_error(unusable): nobody has said where that is, or it cannot be there.
  [[nodiscard]] std::shared_ptr<remote_store> find(model::resource_id resource);

private:
  struct entry {
    codec::resource_definition where;
    std::shared_ptr<remote_store> store;  ///< Null: not opened yet.
  };
  std::mutex mutex_;
  std::map<model::resource_id, entry> known_;
};

}  // namespace tabletd
