#pragma once
// file:// : a directory that all backends mount is the remote store.
#include "persistence/remote/remote_store.h"

#include <filesystem>

namespace tabletd {

/// Keys are paths under the root: `a` and `a/b` cannot both be there (the second is remote_error(unusable)).
/// No key leads out of the root, symbolic links that somebody put there included.
///
/// A put writes <root>/.tabletd-tmp/<random>, syncs it, gives it its name by link (put_if_absent: the file
/// system refuses a second one) or rename (put), and syncs every directory from there up to the root.
/// A writer that is killed leaves its temporary file behind; one older than a day may be deleted.
class file_remote_store final : public remote_store {
public:
  /// `root` must be there: a share that is not mounted must not become a directory of the local disk.
  explicit file_remote_store(std::filesystem::path root);
  ~file_remote_store() override;
  file_remote_store(const file_remote_store&) = delete;
  file_remote_store& operator=(const file_remote_store&) = delete;

  void put(std::string_view key, const put_source& source, const time_left_fn& time_left) override;
  void put_if_absent(std::string_view key, const put_source& source, const time_left_fn& time_left) override;
  [[nodiscard]] std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> into,
                                const time_left_fn& time_left) override;
  [[nodiscard]] object_entry head(std::string_view key, const time_left_fn& time_left) override;
  [[nodiscard]] object_page list(std::string_view prefix, std::string_view after, std::size_t keys_max,
                                 const time_left_fn& time_left) override;
  void remove(std::string_view key, const time_left_fn& time_left) override;
  [[nodiscard]] const std::string& name() const override { return name_; }

private:
  struct placed;
  struct listing;
  enum class if_there { replace, refuse };
  void write(std::string_view key, const put_source& source, if_there rule, const time_left_fn& time_left);
  void fill(int file, std::string_view key, const put_source& source, const time_left_fn& time_left);
  void give_name(const std::string& temporary, int file, const placed& at, std::string_view key, if_there rule);
  [[nodiscard]] placed open_parents(std::string_view key, bool make, std::string_view doing);
  void walk(int directory, const std::string& base, listing& so_far, const time_left_fn& time_left);
  [[noreturn]] void fail(int error, std::string_view doing, std::string_view key) const;

  std::string name_;
  int root_ = -1;
  int temporaries_ = -1;
};

}  // namespace tabletd
