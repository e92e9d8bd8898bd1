// tabletctl offline image: what is in a checkpoint image, and whether it is sound.
#include "actors/codec/image_codec.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/dynamic_text.h"
#include "node/tabletctl/offline.h"
#include "node/tabletctl/offline_failure.h"
#include "persistence/image_file.h"
#include <fmt/format.h>
#include <kj/exception.h>
#include <map>

namespace tabletd::ctl {

namespace {

std::string name_of(std::uint32_t kind) {
  const auto known = codec::section_name(kind);
  return known.empty() ? fmt::format("({})", kind) : std::string{known};
}

std::string header_text(const std::string& path, const image_header& header) {
  return fmt::format("{}: format {}, journal id {}, epoch {}, created {}\n", path, header.format, header.journal_id,
                     header.epoch, timestamp_text(header.created_ms));
}

/// Sections of one kind.
struct part {
  std::size_t sections = 0;
  std::uint64_t bytes = 0;
  bool required = false;
};

std::string part_text(std::uint32_t kind, const part& of) {
  return fmt::format("{:<12}  {:>8}  {:>10}{}\n", name_of(kind), of.sections, bytes_text(static_cast<double>(of.bytes)),
                     of.required ? "" : "  optional");
}

/// What a catalog says of itself when the image is loaded.
std::string catalog_text(const model::catalog& cat) {
  return fmt::format("catalog of entry {}, backends {}, tables {}, tablets {}, replicas {}, loads {}: ", raw(cat.applied),
                     cat.backends.size(), cat.tables.size(), cat.tablets.size(), cat.replicas, cat.loads.size());
}

/// Prints one line for each value of a section.
class section_printer {
public:
  section_printer(bool json, text_sink& out) : json_(json), out_(out) {}
  void print(std::uint32_t kind, std::span<const std::byte> payload) {
    name_ = name_of(kind);
    if (codec::section_name(kind).empty()) {
      out_.write(json_ ? fmt::format("{{\"section\": {}, \"bytes\": {}}}\n", json_string(name_), payload.size())
                       : fmt::format("{}  {} bytes that this version does not know\n", name_, payload.size()));
      return;
    }
    codec::read_section(
      payload, [this](wire::Section::Reader root) { print_all(member_of(root).value); },
      [this](wire::ImageTablet::Reader tablet) { line(capnp::toDynamic(tablet)); });
  }

private:
  void print_all(capnp::DynamicValue::Reader value) {
    if (value.getType() != capnp::DynamicValue::LIST)
      return line(value);
    for (auto each : value.as<capnp::DynamicList>())
      line(each);
  }
  void line(capnp::DynamicValue::Reader value) {
    out_.write(json_ ? fmt::format("{{\"section\": {}, \"value\": {}}}\n", json_string(name_), json_of(value))
                     : fmt::format("{}  {}\n", name_, words_of(value)));
  }
  bool json_;
  text_sink& out_;
  std::string name_;
};

} // namespace

exit_code run_offline(const offline_image_verify& what, text_sink& out) {
  return or_fail([&] {
    image_reader image(what.path);
    out.write(header_text(what.path, image.header()));
    std::map<std::uint32_t, part> parts;
    codec::catalog_loader loader;
    section_head head;
    std::vector<std::byte> payload;
    while (image.next(head, payload)) {
      auto& of = parts[head.id];
      ++of.sections;
      of.bytes += head.bytes;
      of.required = head.required();
      if (what.load && !(head.required() && codec::section_name(head.id).empty()))
        loader.add(head.id, head.flags, payload);
    }
    out.write(fmt::format("{:<12}  {:>8}  {:>10}\n", "section", "number", "size"));
    for (const auto& [kind, of] : parts)
      out.write(part_text(kind, of));
    out.write(fmt::format("{} bytes, crc32c {}: ok\n", image.summary().bytes, image.summary().crc32c));
    for (const auto& [kind, of] : parts)
      if (of.required && codec::section_name(kind).empty())
        return fail(fmt::format("{}: this version does not know section {} and must not leave it out; upgrade", what.path,
                                name_of(kind)));
    if (!what.load)
      return exit_ok;
    const auto loaded = loader.finish();
    const auto broken = broken_invariant(loaded.cat);
    out.write(catalog_text(loaded.cat) + (broken.empty() ? "ok" : broken) + "\n");
    if (raw(loaded.cat.applied) != image.header().journal_id)
      return fail(fmt::format("{}: its journal id is not that of its catalog", what.path));
    return broken.empty() ? exit_ok : fail(what.path + ": " + broken);
  });
}

exit_code run_offline(const offline_image_dump& what, text_sink& out) {
  return or_fail([&] {
    if (!what.section.empty() && !codec::section_kind(what.section))
      return fail(fmt::format("no section is called {}; `image verify` lists them", what.section));
    image_reader image(what.path);
    section_printer printer{what.json, out};
    section_head head;
    std::vector<std::byte> payload;
    while (image.next(head, payload))
      if (what.section.empty() || codec::section_kind(what.section) == head.id)
        printer.print(head.id, payload);
    return exit_ok;
  });
}

} // namespace tabletd::ctl
