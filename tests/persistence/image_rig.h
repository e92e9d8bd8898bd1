#pragma once
// Small images for tests.
#include "persistence/image_file.h"

#include "tests/persistence/store_rig.h"

#include <fstream>
#include <string>
#include <vector>

namespace tabletd::test {

struct section {
  std::uint32_t id{};
  std::uint32_t flags{};
  std::string bytes;
  friend bool operator==(const section&, const section&) = default;
};
using sections = std::vector<section>;

inline sections some_sections() { return {{1, 1, "first"}, {2, 1, ""}, {900, 0, "of a later version"}, {1, 1, "more"}}; }

inline void fill(image_writer& writer, const sections& what) {
  for (const auto& one : what)
    writer.append(one.id, one.flags, bytes_of(one.bytes));
}

inline image_summary write_image(const fs::path& file, std::uint64_t journal_id, const sections& what) {
  image_writer writer(file, {image_format, journal_id, 7, 1'700'000'000'000, 0});
  fill(writer, what);
  const auto made = writer.finish();
  writer.place();
  return made;
}

inline sections read_sections(image_reader& reader) {
  sections found;
  section_head head;
  std::vector<std::byte> payload;
  while (reader.next(head, payload))
    found.push_back({head.id, head.flags, {reinterpret_cast<const char*>(payload.data()), payload.size()}});
  return found;
}

inline std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void put_contents(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace tabletd::test
