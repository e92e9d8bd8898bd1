#pragma once
// The one exception of this room: the remote store said no, or could not be asked.
#include <stdexcept>
#include <string>

namespace tabletd {

enum class remote_fault {
  not_found,       ///< No object has this key.
  exists_already,  ///< put_if_absent: another writer was first.
  throttled,       ///< The store is overloaded or failing (429, 5xx), still after the retries.
  denied,          ///< Credentials or permissions.
  clock_skew,      ///< The store refuses signatures because the two clocks differ too much.
  network,         ///< No or half an answer, still after the retries.
  corrupt,         ///< What arrived is not what was sent, or cannot be understood.
  full,            ///< No space or no quota left at the store.
  stopped,         ///< The caller's time was over, or he called it off.
  unusable,        ///< The key, the configuration or the store is not one this room can work with.
};

/// what() is one sentence: what failed, on which key of which store, why, and the next step.  It never holds
/// a credential.  After throttled, network and stopped nobody knows whether a change was made.
class remote_error : public std::runtime_error {
public:
  remote_error(remote_fault fault, std::string key, const std::string& sentence)
      : std::runtime_error(sentence), fault_(fault), key_(std::move(key)) {}
  [[nodiscard]] remote_fault fault() const { return fault_; }
  [[nodiscard]] const std::string& key() const { return key_; }

private:
  remote_fault fault_;
  std::string key_;
};

}  // namespace tabletd
