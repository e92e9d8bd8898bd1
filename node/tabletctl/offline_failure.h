#pragma once
// How tabletctl offline says that something is wrong with a file; private to offline*.cpp.
#include "node/tabletctl/exit_code.h"
#include "persistence/storage_error.h"
#include <kj/exception.h>
#include <cstdio>
#include <string>
#include <utility>

namespace tabletd::ctl {

inline exit_code fail(const std::string& sentence) {
  std::fprintf(stderr, "tabletctl: %s\n", sentence.c_str());
  return exit_failed;
}

/// Runs what reads files of a node.
template <class Run>
exit_code or_fail(Run&& run) {
  try {
    return std::forward<Run>(run)();
  } catch (const storage_error& why) {
    return fail(why.what());
  } catch (const kj::Exception& why) {
    return fail(why.getDescription().cStr());
  }
}

} // namespace tabletd::ctl
