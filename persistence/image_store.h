#pragma once
// The images of one front end: image.<journal id> files in a directory, the two newest sound ones kept
// (spec/jobs.md K5), each made or received as K4 and K9 say.  One thread at a time.
#include "persistence/image_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tabletd {

struct sound_image {
  image_summary summary;
  std::filesystem::path path;
};

/// What was found from the newest down to the first sound one.
struct image_search {
  std::optional<sound_image> newest;     ///< Nothing: there is no image, or no sound one.
  std::vector<std::string> passed_over;  ///< A sentence for each newer one that is damaged.
};

/// An image on its way in, as announced.  Dropping it before image_store::keep() deletes the part.
class image_receiver {
public:
  image_receiver(std::filesystem::path final_path, const image_summary& announced);
  image_receiver(image_receiver&&) noexcept;
  image_receiver& operator=(image_receiver&&) = delete;
  ~image_receiver();
  /// The next bytes; more than announced are storage_error(corrupt).
  void append(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t received() const { return end_; }
  /// Compares size and checksum with what was announced after an fsync, by what reads back from the disk.
  void finish();
  /// Under its name, durably (after finish()).
  void place();
  [[nodiscard]] const image_summary& announced() const { return announced_; }

private:
  std::filesystem::path final_path_;
  open_file file_;
  image_summary announced_;
  std::uint64_t end_ = 0;
  bool finished_ = false;
};

class image_store {
public:
  /// Two: an image that turns out damaged must not be the only one (spec/jobs.md C11, #49579).
  static constexpr std::size_t images_kept = 2;

  /// Creates what is missing and removes what an earlier process left unfinished.
  explicit image_store(std::filesystem::path directory);

  /// Newest first, as their footers claim; files that do not even look like images are left out.
  [[nodiscard]] std::vector<image_summary> list() const;
  /// The newest that is sound from the first byte to the last.  Remembers the damaged ones: they do not
  /// count among the images kept.
  [[nodiscard]] image_search newest_valid();
  /// All that are sound, newest first.  Reads every byte of them, and remembers the damaged ones too.
  [[nodiscard]] std::vector<image_summary> sound();
  /// Whoever has it open may read on when it is forgotten.
  [[nodiscard]] std::filesystem::path path_of(std::uint64_t journal_id) const;

  [[nodiscard]] image_writer begin(const image_header& header);
  /// Of an offer that is to be taken (model::judge_offer).
  [[nodiscard]] image_receiver receive(const image_summary& announced);
  /// Finishes and places it, and forgets what is older than the two newest.  Thrown: nothing has changed.
  image_summary keep(image_writer writer);
  image_summary keep(image_receiver receiver);

  /// After an image past this front end's log has replaced its state: the older ones would be followed by
  /// entries that are not there.
  void forget_before(std::uint64_t journal_id);

private:
  struct examined {
    image_summary summary;
    std::string complaint;  ///< Empty: it is sound.
  };
  [[nodiscard]] std::vector<std::uint64_t> ids() const;
  [[nodiscard]] examined examine(std::uint64_t journal_id);
  void forget_old();
  std::filesystem::path directory_;
  std::set<std::uint64_t> damaged_;
};

}  // namespace tabletd
