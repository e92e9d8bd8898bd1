#pragma once
// Checkpoints in a front end: where its images are, what it starts from, and who of the actors is told what.
#include "actors/checkpoint/checkpoint_controller.h"
#include "actors/checkpoint/checkpoint_worker.h"
#include "actors/checkpoint/image_keeper.h"
#include "actors/journal/journal.h"

#include <filesystem>
#include <memory>

namespace tabletd {

struct checkpoint_room_options {
  std::filesystem::path directory;  ///< Of the images.
  model::node_id node{};
  catalog_cell_ptr cell;
  journal_stats_ptr stats;
  std::function<model::time_ms()> wall_clock;
  model::checkpoint_options rules;
  checkpoint_pace pace;
};

class checkpoint_room : public std::enable_shared_from_this<checkpoint_room> {
public:
  /// Throws storage_error.
  explicit checkpoint_room(checkpoint_room_options options);

  /// Puts the newest sound image that `log` knows into the catalog cell; before the catalog starts.  Throws storage_error.
  [[nodiscard]] start_image start(const edit_log& log);
  [[nodiscard]] image_hooks hooks();
  /// Words for the journal go here from now on.
  void open(std::shared_ptr<next_transaction> inbox) { inbox_ = std::move(inbox); }
  [[nodiscard]] const checkpoint_exchange_ptr& exchange() const { return exchange_; }

  [[nodiscard]] image_keeper_ports keeper_ports(replaceable_catalog_actor catalog);
  [[nodiscard]] checkpoint_worker_ports worker_ports();
  [[nodiscard]] checkpoint_controller_ports controller_ports(journal_actor journal,
                                                             std::function<std::vector<model::node_id>()> members);

  [[nodiscard]] const checkpoint_progress& progress() const { return *progress_; }
  /// Verified by this process, newest first.
  [[nodiscard]] std::vector<model::image_mark> images() const { return shelf_->images(); }
  /// For SHOW PROC '/checkpoint'.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> rows() const;

private:
  void tell_journal(peer_word word);

  checkpoint_room_options options_;
  const model::boot_id boot_;
  std::shared_ptr<image_shelf> shelf_;
  checkpoint_exchange_ptr exchange_;
  checkpoint_progress_ptr progress_ = std::make_shared<checkpoint_progress>();
  std::shared_ptr<next_transaction> inbox_;
};

} // namespace tabletd
