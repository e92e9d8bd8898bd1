// Writes what docs/offline.md looks at: the data directory of a front end that ran for a moment, and a
// checkpoint image of its last entry.  The same bytes every time.
//
//   offline_samples DIRECTORY     -> fe1/journal/log.db, image.8
#include "actors/codec/edit_codec.h"
#include "actors/codec/image_codec.h"
#include "actors/model/consensus_core.h"
#include "persistence/edit_log.h"
#include "persistence/image_file.h"
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace tabletd {
namespace {

using namespace model;

/// A small table on one backend, loaded once.
std::vector<edit_body> edits() {
  const backend_id b1{10'001};
  const path_hash path{15'732'914'403'581'290'497U};
  table_created orders;
  orders.database = database_id{10'002};
  orders.name = "orders";
  orders.replication_num = 1;
  orders.placements = {{{b1, path}}, {{b1, path}}};
  return {term_began{1, 1},
          backend_added{"be1", 9060},
          backend_returned{b1, {{path, "/disk1", medium::ssd}}},
          database_created{"shop"},
          orders,
          load_begun{table_id{10'003}, "first"},
          load_committed{txn_id{7}, {{tablet_id{10'006}, 3, 300, {replica_id{10'008}}},
                                     {tablet_id{10'007}, 4, 400, {replica_id{10'009}}}}}};
}

void write(const std::filesystem::path& directory) {
  catalog cat;
  const auto log = open_sqlite_edit_log(directory / "fe1" / "journal", {});
  log->save_hard_state({1, 1});
  const std::byte membership[8]{};
  log->append(1, std::vector{log_entry{1, static_cast<std::uint16_t>(entry_type::change), membership}});
  std::uint64_t index = 1;
  for (const auto& body : edits()) {
    const edit what{time_ms{1'700'000'000'000 + static_cast<std::int64_t>(++index) * 1'000}, body};
    if (!apply(cat, what, log_index{index}).ok())
      throw std::logic_error("entry " + std::to_string(index) + " is refused");
    const auto words = codec::encode(what);
    const auto bytes = words.words().asBytes();
    log->append(index, std::vector{log_entry{1, static_cast<std::uint16_t>(entry_type::command),
                                             std::as_bytes(std::span{bytes.begin(), bytes.size()})}});
  }
  image_writer writer(directory / "image.8", {image_format, raw(cat.applied), cat.term, 1'700'000'060'000, 0});
  codec::write_catalog(cat, {{900, 0, {std::byte{1}}}}, [&](std::uint32_t kind, std::uint32_t flags, std::span<const std::byte> payload) {
    writer.append(kind, flags, payload);
  });
  (void)writer.finish();
  writer.place();
}

} // namespace
} // namespace tabletd

int main(int argc, char** argv) {
  if (argc != 2)
    return 2;
  try {
    tabletd::write(argv[1]);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "%s\n", why.what());
    return 1;
  }
  return 0;
}
