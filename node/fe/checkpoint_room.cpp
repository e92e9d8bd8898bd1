// See checkpoint_room.h.
#include "node/fe/checkpoint_room.h"

#include "node/log.h"

#include <fmt/chrono.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>

namespace tabletd {

namespace {

model::boot_id random_boot() {
  std::random_device dice;
  return (std::uint64_t{dice()} << 32) | dice();
}

void warn(const std::string& why) { log_warn(why); }

/// Resident memory of this process in percent of the machine's.
std::uint32_t memory_percent() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  const auto pages = ::sysconf(_SC_PHYS_PAGES);
  if (!(file >> size >> resident) || pages <= 0)
    return 0;
  return static_cast<std::uint32_t>(100 * resident / static_cast<std::uint64_t>(pages));
}

std::optional<std::uint64_t> free_bytes(const std::filesystem::path& directory) {
  std::error_code why;
  const auto room = std::filesystem::space(directory, why);
  return why ? std::nullopt : std::optional<std::uint64_t>{room.available};
}

/// What the log says deletion need not wait for; every front end knows it.
std::string marked(const model::catalog& cat, bool disk) {
  std::string text;
  cat.retention.for_each([&](model::frontend_id who, const model::retention_mark& mark) {
    if ((who == model::frontend_id{}) != disk)
      return;
    text += fmt::format("{}{}{}, since {:%Y-%m-%d %H:%M:%S}Z", text.empty() ? "" : "; ",
                        disk ? "" : fmt::format("fe {}: ", raw(who)), mark.why, fmt::gmtime(mark.since.count() / 1'000));
  });
  return text.empty() ? "none" : text;
}

model::image_descriptor descriptor_of(const model::image_mark& from) { return {from.id, from.bytes, from.crc32c}; }

} // namespace

checkpoint_room::checkpoint_room(checkpoint_room_options options)
  : options_(std::move(options)), boot_(random_boot()), shelf_(std::make_shared<image_shelf>(options_.directory)),
    exchange_(std::make_shared<checkpoint_exchange>(options_.node)) {}

start_image checkpoint_room::start(const edit_log& log) {
  auto found = start_from_shelf(*shelf_, log.image_points(), warn);
  if (found.image.id == 0)
    return {};
  log_info("starts from an image", {{"image", found.image.id}, {"bytes", found.image.bytes}});
  options_.cell->store(std::make_shared<const model::catalog>(std::move(found.catalog)));
  return {descriptor_of(found.image)};
}

image_hooks checkpoint_room::hooks() {
  return {[exchange = exchange_](const model::image_to_install& what) { exchange->install(what); },
          [exchange = exchange_](std::uint64_t restarted_at) { exchange->install_is_over(restarted_at); }};
}

/// The inbox takes it in any case; there are too few of these words to ask whether there is room.
void checkpoint_room::tell_journal(peer_word word) { static_cast<void>(inbox_->add(std::move(word))); }

image_keeper_ports checkpoint_room::keeper_ports(replaceable_catalog_actor catalog) {
  image_keeper_ports ports;
  ports.shelf = shelf_;
  ports.exchange = exchange_;
  ports.cell = options_.cell;
  ports.catalog = std::move(catalog);
  ports.boot = boot_;
  ports.wall_clock = options_.wall_clock;
  ports.term = [stats = options_.stats] { return stats->term.load(); };
  ports.kept = [room = shared_from_this()](const model::image_mark& image, std::uint64_t older) {
    room->tell_journal(image_kept{descriptor_of(image), older});
  };
  ports.install_ended = [room = shared_from_this()](const model::image_to_install& what, bool is_in_place) {
    room->tell_journal(install_ended{what.upto, what.image, is_in_place});
  };
  ports.warn = warn;
  return ports;
}

checkpoint_worker_ports checkpoint_room::worker_ports() {
  checkpoint_worker_ports ports;
  ports.shelf = shelf_;
  ports.exchange = exchange_;
  ports.cell = options_.cell;
  ports.stats = options_.stats;
  ports.boot = boot_;
  ports.memory_percent = memory_percent;
  ports.trim = [room = shared_from_this()](std::uint64_t upto) { room->tell_journal(trim_wanted{upto}); };
  return ports;
}

checkpoint_controller_ports checkpoint_room::controller_ports(journal_actor journal,
                                                              std::function<std::vector<model::node_id>()> members) {
  checkpoint_controller_ports ports;
  ports.exchange = exchange_;
  ports.journal = std::move(journal);
  ports.cell = options_.cell;
  ports.stats = options_.stats;
  ports.members = std::move(members);
  ports.wall_clock = options_.wall_clock;
  ports.disk_free_bytes = [directory = options_.directory] { return free_bytes(directory); };
  ports.progress = progress_;
  ports.options = options_.rules;
  ports.pace = options_.pace;
  ports.tell = [](const std::string& text, bool is_bad) { is_bad ? log_warn(text) : log_info(text); };
  return ports;
}

std::vector<std::pair<std::string, std::string>> checkpoint_room::rows() const {
  const auto images = shelf_->images();
  const auto cat = options_.cell->load();
  const auto applied = raw(cat->applied);
  std::vector<std::pair<std::string, std::string>> rows;
  rows.emplace_back("Images", listed(images));
  rows.emplace_back("EntriesSinceImage", std::to_string(applied - std::min(applied, model::newest_id(images))));
  rows.emplace_back("NeedFullResync", marked(*cat, false));
  rows.emplace_back("DiskPressure", marked(*cat, true));
  const auto view = progress_->view.load();
  rows.insert(rows.end(), view->rows.begin(), view->rows.end());
  return rows;
}

} // namespace tabletd
