// tabletctl offline journal: the entries of an edit log in words.
#include "actors/model/consensus_core.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/dynamic_text.h"
#include "node/tabletctl/offline.h"
#include "node/tabletctl/offline_failure.h"
#include "persistence/edit_log.h"
#include "schemas/edits.capnp.h"
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <fmt/format.h>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

namespace tabletd::ctl {

namespace {

/// A log entry's bytes come as SQLite has them, on any boundary.
class edit_bytes {
public:
  explicit edit_bytes(std::span<const std::byte> from) : words_(from.size() / sizeof(capnp::word)) {
    KJ_REQUIRE(from.size() % sizeof(capnp::word) == 0, "it is not a whole message", from.size());
    std::memcpy(words_.data(), from.data(), from.size());
    segments_[0] = kj::arrayPtr(words_.data(), words_.size());
    message_.emplace(kj::arrayPtr(segments_, 1), capnp::ReaderOptions{limit_words, 64});
  }
  [[nodiscard]] wire::Edit::Reader get() { return message_->getRoot<wire::Edit>(); }

private:
  static constexpr std::uint64_t limit_words = 8U << 20; ///< More than the largest entry.
  std::vector<capnp::word> words_;
  kj::ArrayPtr<const capnp::word> segments_[1];
  std::optional<capnp::SegmentArrayMessageReader> message_;
};

std::string_view name_of(std::uint16_t type) {
  switch (static_cast<model::entry_type>(type)) {
    case model::entry_type::command: return "command";
    case model::entry_type::barrier: return "barrier";
    case model::entry_type::change: return "change";
  }
  return "unknown";
}

std::string line_of(std::uint64_t index, const log_entry& entry, bool jsonl) {
  const auto type = name_of(entry.type);
  if (entry.type != static_cast<std::uint16_t>(model::entry_type::command))
    return jsonl ? fmt::format("{{\"index\": {}, \"term\": {}, \"type\": \"{}\", \"bytes\": {}}}\n", index, entry.term,
                               type, entry.bytes.size())
                 : fmt::format("{}  term {}  {}  {} bytes\n", index, entry.term, type, entry.bytes.size());
  edit_bytes bytes{entry.bytes};
  const auto edit = bytes.get();
  auto [name, value] = member_of(edit);
  if (name.empty())
    name = fmt::format("({})", static_cast<unsigned>(edit.which())); // Of a later version.
  const auto at = timestamp_text(edit.getAtMs());
  return jsonl ? fmt::format("{{\"index\": {}, \"term\": {}, \"type\": \"{}\", \"at\": \"{}\", \"edit\": \"{}\", "
                             "\"fields\": {}}}\n",
                             index, entry.term, type, at, name, json_of(value))
               : fmt::format("{}  term {}  {}  {}  {}\n", index, entry.term, at, name, words_of(value));
}

/// A node's directory has its log in a folder of its own.
std::filesystem::path log_directory(const std::filesystem::path& given) {
  std::error_code ignored;
  return std::filesystem::exists(given / "log.db", ignored) ? given : given / "journal";
}

} // namespace

exit_code run_offline(const offline_journal_dump& what, text_sink& out) {
  return or_fail([&] {
    std::uint64_t at = 0;
    try {
      look_at_edit_log(log_directory(what.directory), what.from, [&](std::uint64_t index, const log_entry& entry) {
        at = index;
        if (index > what.to)
          return false;
        out.write(line_of(index, entry, what.jsonl));
        return true;
      });
    } catch (const kj::Exception& why) {
      return fail(fmt::format("entry {} is not an edit: {}", at, why.getDescription().cStr()));
    }
    return exit_ok;
  });
}

} // namespace tabletd::ctl
