// See placement_check.h.
#include "node/play/placement_check.h"
#include <fmt/format.h>
#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <stdexcept>

namespace tabletd::play {

namespace fs = std::filesystem;

namespace {

std::uint64_t unsigned_of(const ctl::row_reader& rows, std::uint32_t row, std::string_view column) {
  return static_cast<std::uint64_t>(rows.number(row, column).value_or(0));
}

std::uint64_t number_in(const std::string& text) {
  std::uint64_t number = 0;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc{} && stop == text.data() + text.size() ? number : 0;
}

} // namespace

std::vector<replica_row> read_replicas(const ctl::row_reader& rows) {
  std::vector<replica_row> out;
  for (std::uint32_t r = 0; r < rows.size(); ++r)
    out.push_back({unsigned_of(rows, r, "TabletId"), unsigned_of(rows, r, "ReplicaId"),
                   unsigned_of(rows, r, "BackendId"), rows.number(r, "Version").value_or(-1),
                   rows.number(r, "LstFailedVersion").value_or(-1), rows.text(r, "State")});
  return out;
}

std::vector<backend_row> read_backends(const ctl::row_reader& rows) {
  std::vector<backend_row> out;
  for (std::uint32_t r = 0; r < rows.size(); ++r)
    out.push_back({unsigned_of(rows, r, "BackendId"),
                   static_cast<std::uint16_t>(unsigned_of(rows, r, "BePort")),
                   rows.text(r, "Alive") == "true", unsigned_of(rows, r, "TabletNum"),
                   rows.text(r, "ErrMsg")});
  return out;
}

std::vector<frontend_row> read_frontends(const ctl::row_reader& rows) {
  std::vector<frontend_row> out;
  for (std::uint32_t r = 0; r < rows.size(); ++r)
    out.push_back({rows.text(r, "Name"), static_cast<std::uint16_t>(unsigned_of(rows, r, "RpcPort")),
                   rows.text(r, "IsMaster") == "true", rows.text(r, "Alive") == "true",
                   unsigned_of(rows, r, "ReplayedJournalId")});
  return out;
}

std::string catch_up_fault(const std::vector<frontend_row>& rows, std::uint16_t port, std::uint64_t position) {
  const auto at = std::find_if(rows.begin(), rows.end(), [port](const frontend_row& one) { return one.port == port; });
  if (at == rows.end())
    return fmt::format("SHOW FRONTENDS lists none with the port {}", port);
  if (!at->alive)
    return fmt::format("{} is not alive", at->name);
  if (at->replayed < position)
    return fmt::format("{} has replayed {} of {} entries", at->name, at->replayed, position);
  return {};
}

std::string placement_fault(const std::vector<replica_row>& replicas,
                            const wanted_placement& wanted) {
  std::map<std::uint64_t, std::set<std::uint64_t>> backends; // By tablet.
  std::map<std::uint64_t, std::uint64_t> counts;
  for (const auto& one : replicas) {
    if (wanted.avoid.contains(one.backend))
      return fmt::format("tablet {} still has a replica on backend {}", one.tablet, one.backend);
    if (one.version != wanted.version || one.last_failed > 0)
      return fmt::format("replica {} of tablet {} on backend {} is at version {}, not {}",
                         one.replica, one.tablet, one.backend, one.version, wanted.version);
    backends[one.tablet].insert(one.backend);
    ++counts[one.tablet];
  }
  if (counts.size() != wanted.tablets)
    return fmt::format("{} tablets have replicas, {} should", counts.size(), wanted.tablets);
  for (const auto& [tablet, count] : counts) {
    if (count != wanted.replicas)
      return fmt::format("tablet {} has {} replicas, not {}", tablet, count, wanted.replicas);
    if (backends[tablet].size() != count)
      return fmt::format("tablet {} has two replicas on one backend", tablet);
  }
  return {};
}

std::optional<std::uint64_t> unhealthy_tablets(const ctl::row_reader& rows) {
  if (rows.size() == 0)
    return std::nullopt;
  const auto number = rows.number(rows.size() - 1, "UnhealthyTabletNum");
  return number ? std::optional{static_cast<std::uint64_t>(*number)} : std::nullopt;
}

std::vector<fs::path> segments_on(const fs::path& disk, std::uint64_t tablet) {
  std::vector<fs::path> out;
  std::error_code failed;
  // Files come and go under the walk: an error ends it early and the caller looks again.
  for (auto it = fs::recursive_directory_iterator(disk / "tablets", failed);
       !failed && it != fs::recursive_directory_iterator{}; it.increment(failed))
    if (it->path().extension() == ".seg"
        && (tablet == 0 || number_in(it->path().parent_path().filename()) == tablet))
      out.push_back(it->path());
  std::sort(out.begin(), out.end());
  return out;
}

std::set<std::uint64_t> tablets_on(const std::vector<fs::path>& disks) {
  std::set<std::uint64_t> out;
  for (const auto& disk : disks)
    for (const auto& file : segments_on(disk))
      out.insert(number_in(file.parent_path().filename()));
  return out;
}

namespace {

class open_file {
public:
  open_file(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  open_file(const open_file&) = delete;
  ~open_file() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

} // namespace

damaged_byte damage(const fs::path& file) {
  damaged_byte out;
  out.file = file;
  const auto fail = [&file] {
    return std::runtime_error(
      fmt::format("{} could not be damaged: {}", file.string(), std::strerror(errno)));
  };
  const open_file target{file, O_RDWR};
  const auto size = target.fd() < 0 ? -1 : ::lseek(target.fd(), 0, SEEK_END);
  if (size <= 0)
    throw fail();
  out.offset = static_cast<std::uint64_t>(size) / 2;
  if (::pread(target.fd(), &out.was, 1, size / 2) != 1)
    throw fail();
  out.became = static_cast<unsigned char>(out.was ^ 0xffU);
  if (::pwrite(target.fd(), &out.became, 1, size / 2) != 1 || ::fsync(target.fd()) != 0)
    throw fail();
  return out;
}

bool still_damaged(const damaged_byte& at) {
  const open_file target{at.file, O_RDONLY};
  unsigned char now = 0;
  return target.fd() >= 0 && ::pread(target.fd(), &now, 1, static_cast<off_t>(at.offset)) == 1
         && now == at.became;
}

} // namespace tabletd::play
