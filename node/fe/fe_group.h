#pragma once
// This front end as a member of its group: opens the edit log, for several founders founds the group
// with them first, or waits until a group takes it in, and keeps the links between members.
#include "actors/journal/journal.h"
#include "node/fe/peer_links.h"

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <thread>

namespace tabletd {

struct fe_group_options {
  std::filesystem::path log_directory;
  std::string cluster_name;
  model::node_id node = 1;
  std::vector<model::member> founders;  ///< Ascending, this node among them.
  /// It founds nothing: `founders` are the group it wants to be taken into, and itself.  Means nothing
  /// once there is a log.
  bool joins = false;
  std::string listen;  ///< Of the edit log port; empty: it has none, and is alone for good.
  journal_limits limits;
  /// Reads the newest image before the log; from start()'s thread or that of the founding.
  std::function<start_image(const edit_log&)> start_from = [](const edit_log&) { return start_image{}; };
  image_hooks images;
  /// Mail about checkpoints from the other members; loop thread.
  std::function<void(model::checkpoint_mail)> checkpoint = [](model::checkpoint_mail) {};
  std::function<void(const std::string&)> on_fatal;
  std::function<model::time_ms()> wall_clock;
};

class fe_group {
public:
  /// Reads what the directory says about the group; throws storage_error.
  explicit fe_group(fe_group_options options);
  ~fe_group();
  fe_group(const fe_group&) = delete;

  /// Calls `begin` once, with a log that belongs to the group: at once, in this thread, or, while the
  /// founders still have to meet or the group has not taken this node in, later in a thread of its own.  Throws storage_error or
  /// kj::Exception.
  void start(kj_loop& loop, kj::Network& network, fe_face face, std::function<void(opened_journal)> begin);
  /// See peer_links::post.  Any thread, from `begin` until stop().
  void post(const model::checkpoint_mail& mail) const;
  /// No new founding; waits for one under way.
  void stop_founding();
  /// After the journal has ended.
  void stop(kj_loop& loop);

  [[nodiscard]] const journal_stats_ptr& stats() const { return stats_; }
  [[nodiscard]] const memory_stats_ptr& memory() const { return memory_; }
  [[nodiscard]] model::memory_limits memory_limits() const {
    return memory_of(options_.limits, options_.founders.size() - 1);
  }
  /// The other members, ascending; empty in a group of one.
  [[nodiscard]] std::vector<peer_view> peers() const;
  [[nodiscard]] std::vector<peer_applicant> applicants() const;
  [[nodiscard]] group_news members() const;
  /// Of this node's edit log port, as the others are to know it; empty: there is none.
  [[nodiscard]] std::string address() const;
  /// Why this node, which has a log, is no member of the group; empty: nobody has said so.
  [[nodiscard]] std::string exclusion() const;
  [[nodiscard]] std::string why_not_to_add(const model::member& one) const;
  [[nodiscard]] const fe_group_options& options() const { return options_; }

private:
  void read_identity_file();
  void write_identity_file(const model::greeting& self) const;
  [[nodiscard]] std::shared_ptr<peer_links> links() const;
  [[nodiscard]] peer_link_options link_options(fe_face face);
  [[nodiscard]] opened_journal open();
  void found_when_met(const std::function<void()>& take_part);
  [[nodiscard]] std::filesystem::path identity_path() const { return options_.log_directory / "group.identity"; }
  [[nodiscard]] bool has_port() const { return !options_.listen.empty(); }
  void warn_of_strangers() const;
  void note_members(const group_news& members);

  fe_group_options options_;
  model::greeting self_;
  std::shared_ptr<edit_log> log_;
  journal_stats_ptr stats_ = std::make_shared<journal_stats>();
  memory_stats_ptr memory_ = std::make_shared<memory_stats>();
  std::shared_ptr<peer_links> links_;  ///< Under the mutex; null in a group of one, and in the end.

  mutable std::mutex mutex_;
  group_news members_;
  std::condition_variable met_or_stopping_;
  bool has_met_ = false;
  bool is_stopping_ = false;
  bool are_linked_ = false;  ///< The links have begun.
  std::thread founding_;
};

}  // namespace tabletd
