#pragma once
#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace tabletd::test {

/// What the members said; the test waits for it.
class ear {
public:
  void hear(const std::string& word) {
    const std::lock_guard guard{mutex_};
    words_.push_back(word);
    heard_.notify_all();
  }
  /// The first word from now on or before that `fits`.
  std::string wait(const std::function<bool(const std::string&)>& fits) {
    std::unique_lock guard{mutex_};
    std::string found;
    heard_.wait(guard, [&] {
      const auto at = std::ranges::find_if(words_, fits);
      if (at != words_.end())
        found = *at;
      return at != words_.end();
    });
    return found;
  }
  void forget() {
    const std::lock_guard guard{mutex_};
    words_.clear();
  }

private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<std::string> words_;
};

} // namespace tabletd::test
