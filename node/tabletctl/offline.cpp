#include "node/tabletctl/offline.h"
#include "node/tabletctl/diagnosis_json.h"
#include "node/tabletctl/json_reader.h"
#include "node/tabletctl/local_file.h"
#include <capnp/message.h>
#include <cstdio>

namespace tabletd::ctl {

namespace {

exit_code fail(const std::string& sentence) {
  std::fprintf(stderr, "tabletctl: %s\n", sentence.c_str());
  return exit_failed;
}

std::string read_whole(const std::string& path) {
  source_file from{path == "-" ? "/dev/stdin" : path};
  std::string text;
  for (std::size_t got = 1; got > 0;) {
    const auto before = text.size();
    text.resize(before + 65'536);
    got = from.read(std::as_writable_bytes(std::span{text}).subspan(before));
    text.resize(before + got);
  }
  return text;
}

} // namespace

exit_code run_offline(const offline_diagnose& what, text_sink& out) {
  try {
    capnp::MallocMessageBuilder message;
    auto cluster = message.initRoot<wire::OfflineCluster>();
    read_json(read_whole(what.json_path), cluster);
    out.write(diagnosis_json(build(cluster.asReader()), {.why = what.why}));
    return exit_ok;
  } catch (const json_failure& why) {
    return fail(what.json_path + ": " + why.what());
  } catch (const file_failure& why) {
    return fail(why.what());
  }
}

} // namespace tabletd::ctl
