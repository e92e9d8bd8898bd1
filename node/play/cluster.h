#pragma once
// The play cluster: its nodes as child processes, a client, and the waiting that every step
// needs.  Nothing here knows the demo's data or the tour's story.
#include "node/play/node_process.h"
#include "node/play/placement_check.h"
#include "node/tabletctl/client.h"
#include <functional>
#include <memory>
#include <vector>

namespace tabletd::play {

struct cluster_options {
  std::filesystem::path dir;
  std::string binary; ///< The tabletd to execute.
  std::uint32_t frontends = 1; ///< 1, or a group of 3 or 5.
  std::uint32_t backends = 4;
  std::uint32_t disks = 2; ///< Of each backend.
  bool outlives = false;   ///< Nodes go on when play ends.
};

class cluster {
public:
  explicit cluster(cluster_options options);

  /// Starts every node, waits until a front end leads, adds the backends, waits until all are alive.
  void start();
  /// SIGTERM to all, backends first.
  void stop();

  [[nodiscard]] node_process& node(
    std::string_view name); ///< Throws play_failure naming those there are.
  [[nodiscard]] std::uint32_t frontends() const { return options_.frontends; }
  /// Every console, separated by commas: what tabletctl takes.
  [[nodiscard]] std::string consoles() const;
  /// The front end that leads now, as SHOW FRONTENDS says.
  [[nodiscard]] node_process& leader();
  /// Waits until a front end that was started again is alive and has everything the leader had
  /// when it was asked first; the journal position.
  std::uint64_t wait_caught_up(std::string_view name);
  [[nodiscard]] const std::vector<std::unique_ptr<node_process>>& nodes() const { return nodes_; }
  [[nodiscard]] std::uint32_t backends() const { return options_.backends; }
  /// (Re)starts one node and waits until it is ready.
  void start_node(std::string_view name);

  [[nodiscard]] ctl::client& server() { return *server_; }
  /// Runs a statement; throws play_failure with the error's text if it fails.
  ctl::answer run(const std::string& statement);
  /// Its rows, for conditions.
  [[nodiscard]] ctl::answer rows(const std::string& statement);
  /// The id the catalog gave to a backend.
  [[nodiscard]] std::uint64_t backend_id(std::string_view name);

  /// Asks until `fault` answers with an empty string; a front end that is away is a fault too.
  /// Throws play_failure with the last fault after `limit`, client_failure at Ctrl-C.
  void wait_until(std::string_view what, const std::function<std::string()>& fault,
                  std::chrono::milliseconds limit = std::chrono::seconds(120));

  /// What runs where, one node a line.
  [[nodiscard]] std::string overview();

private:
  void add_front_ends();
  void dial();
  void add_backends();
  [[nodiscard]] std::vector<frontend_row> front_ends();

  cluster_options options_;
  std::vector<std::unique_ptr<node_process>> nodes_; ///< The front ends first.
  std::unique_ptr<ctl::client> server_;
};

/// `text` as a string of the statement language.
[[nodiscard]] std::string statement_string(const std::string& text);

} // namespace tabletd::play
