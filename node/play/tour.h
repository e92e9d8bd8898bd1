#pragma once
// `tabletd play --tour`: the story of a cluster that loses machines, a leader and a byte and
// keeps every row.  Each step checks what it says; see play.cpp for the order.
#include "node/play/cluster.h"
#include <string>

namespace tabletd::play {

struct tour_options {
  std::filesystem::path data;
  std::filesystem::path dir; ///< The export goes here.
  std::string table = "demo.lines";
  std::uint32_t tablets = 16;
  std::uint32_t replicas = 3;
};

/// Starts the cluster and tells the story on standard output.  Throws play_failure at the
/// first step that does not hold.
void run_tour(cluster& on, const tour_options& options);

/// Creates a table for such a file, when the backends can take it.
void create_demo_table(cluster& on, const std::string& table, std::uint32_t tablets, std::uint32_t replicas);

/// Creates database and table and loads the file; returns the server's words.  The rows of a
/// table must be lines of the file, so it has no header.
std::string load_demo(cluster& on, const std::filesystem::path& data, const std::string& table,
                      std::uint32_t tablets, std::uint32_t replicas);

} // namespace tabletd::play
