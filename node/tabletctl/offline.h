#pragma once
// tabletctl offline: the model without a cluster, and the files of a node that is not running
// (docs/offline.md).
#include "node/tabletctl/exit_code.h"
#include "node/tabletctl/text_sink.h"
#include <cstdint>
#include <string>
#include <variant>

namespace tabletd::ctl {

struct offline_diagnose {
  std::string json_path; ///< - is standard input.
  bool why = false;
};

struct offline_simulate {
  std::string scenario_path; ///< - is standard input.
  std::string plot_path;     ///< Empty: no picture.
};

struct offline_image_verify {
  std::string path;
  bool load = false; ///< Make the catalog too, and look at its invariants.
};

struct offline_image_dump {
  std::string path;
  std::string section; ///< Empty: all.
  bool json = false;
};

struct offline_journal_dump {
  std::string directory; ///< Of a node, or of its log.
  std::uint64_t from = 1;
  std::uint64_t to = ~std::uint64_t{};
  bool jsonl = false;
};

using offline_command = std::variant<offline_diagnose, offline_simulate, offline_image_verify, offline_image_dump,
                                     offline_journal_dump>;

/// Output to `out`; what is wrong with the input to standard error: exit_failed.
exit_code run_offline(const offline_diagnose& what, text_sink& out);
/// A failed assertion and a broken invariant are exit_failed as well, with the line on standard error.
exit_code run_offline(const offline_simulate& what, text_sink& out);
/// A damaged file is exit_failed, with the section and where it is on standard error.
exit_code run_offline(const offline_image_verify& what, text_sink& out);
/// One value a line.
exit_code run_offline(const offline_image_dump& what, text_sink& out);
/// One entry a line.  A log that is in use is exit_failed.
exit_code run_offline(const offline_journal_dump& what, text_sink& out);

} // namespace tabletd::ctl
