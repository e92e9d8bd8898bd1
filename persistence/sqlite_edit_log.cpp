// The edit log in SQLite: log.db holds entries, meta.db term and vote, because a vote must
// never wait for a group commit of entries (design/journal.md 9.3).
#include "persistence/durable_file.h"
#include "persistence/edit_log.h"
#include "persistence/sqlite.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <xxhash.h>

namespace tabletd {

namespace {

constexpr std::int64_t log_format = 2;  ///< user_version; 1 had no raft_image.
constexpr std::int64_t meta_format = 1;
/// Trimming is many short transactions, so that no commit waits long for it.
constexpr std::uint64_t rows_per_trim = 2'000;

constexpr const char* log_schema
    = "CREATE TABLE raft_log(idx INTEGER PRIMARY KEY, term INTEGER NOT NULL,"
      " type INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL) STRICT;"
      "CREATE TABLE raft_trim(id INTEGER PRIMARY KEY CHECK(id = 1),"
      " upto INTEGER NOT NULL) STRICT;"
      "INSERT INTO raft_trim VALUES(1, 0);";
constexpr const char* image_schema
    = "CREATE TABLE raft_image(idx INTEGER PRIMARY KEY, term INTEGER NOT NULL, membership_idx INTEGER NOT NULL,"
      " membership BLOB NOT NULL) STRICT; PRAGMA user_version=2;";
constexpr const char* meta_schema
    = "CREATE TABLE raft_meta(id INTEGER PRIMARY KEY CHECK(id = 1),"
      " term INTEGER NOT NULL, vote INTEGER NOT NULL) STRICT; PRAGMA user_version=1;";

constexpr int columns = 5;
/// A statement's start and end cost about as much as a row.
constexpr std::size_t rows_per_insert = 16;

/// No OR REPLACE: an index that is there already is a bug and must fail.
std::string insertion(std::size_t rows) {
  std::string sql = "INSERT INTO raft_log VALUES(?, ?, ?, ?, ?)";
  for (std::size_t i = 1; i < rows; ++i)
    sql += ", (?, ?, ?, ?, ?)";
  return sql;
}

/// Covers the position too: a row that is intact but stands elsewhere does not match.
std::uint64_t checksum_of(std::uint64_t index, const log_entry& entry) {
  const std::array<std::uint64_t, 3> head{index, entry.term, entry.type};
  return XXH3_64bits_withSeed(entry.bytes.data(), entry.bytes.size(), XXH3_64bits(head.data(), sizeof head));
}

[[noreturn]] void throw_corrupt(const std::string& path, const std::string& what) {
  throw storage_error(storage_fault::corrupt, path,
                      fmt::format("{} is damaged: {}; keep a copy of the directory, check the "
                                  "disk, and rebuild this node from its peers",
                                  path, what));
}

/// Entries from..last, each checked.
void visit_rows(const sqlite::database& log, std::uint64_t from, std::uint64_t last, const edit_log::visit_fn& visit) {
  sqlite::statement rows(log,
                         "SELECT idx, term, type, crc, data FROM raft_log"
                         " WHERE idx >= ?1 ORDER BY idx");
  rows.bind(1, from);
  std::uint64_t expected = from;
  std::uint64_t term = 0;
  for (; rows.step(); ++expected) {
    const auto index = rows.unsigned_number(0);
    const log_entry entry{rows.unsigned_number(1), static_cast<std::uint16_t>(rows.number(2)), rows.bytes(4)};
    if (index != expected)
      throw_corrupt(log.path(), fmt::format("entry {} is missing", expected));
    if (checksum_of(index, entry) != rows.unsigned_number(3))
      throw_corrupt(log.path(), fmt::format("entry {} does not match its checksum", index));
    if (entry.term < term)
      throw_corrupt(log.path(), fmt::format("term falls from {} to {} at entry {}", term, entry.term, index));
    term = entry.term;
    if (!visit(index, entry))
      return;
  }
  if (expected <= last)
    throw_corrupt(log.path(), fmt::format("entry {} is missing", expected));
}

[[noreturn]] void throw_other_format(const std::string& path, std::int64_t format, std::int64_t newest) {
  throw storage_error(storage_fault::unusable, path,
                      fmt::format("{} has format {}, this build knows {}; start the version "
                                  "that wrote it",
                                  path, format, newest));
}

class sqlite_edit_log final : public edit_log {
public:
  sqlite_edit_log(const std::filesystem::path& directory, const edit_log_options& options)
      : log_(open(directory / "log.db", options)), meta_(open(directory / "meta.db", options)) {
    create_log();
    create_meta();
    prepare();
    load();
  }

  [[nodiscard]] hard_state load_hard_state() const override { return hard_; }

  void save_hard_state(hard_state state) override {
    write([&] {
      sqlite::transaction change(meta_);
      save_hard_->bind(1, state.term).bind(2, state.vote).run();
      change.commit();
    });
    hard_ = state;
  }

  void append(std::uint64_t first, std::span<const log_entry> entries) override {
    if (first < first_index() || first > last_index() + 1)
      throw std::logic_error(fmt::format("append at {} to a log of {}..{}", first, first_index(), last_index()));
    write([&] {
      sqlite::transaction change(log_, *words_);
      if (first <= last_)
        drop_suffix_->bind(1, first).run();
      insert(first, entries);
      change.commit();
    });
    last_ = first + entries.size() - 1;
  }

  void replay(std::uint64_t from, const visit_fn& visit) const override {
    visit_rows(log_, std::max(from, first_index()), last_, visit);
  }

  void truncate_prefix(std::uint64_t first_kept) override {
    if (first_kept > last_ + 1)
      throw std::logic_error(fmt::format("trim to {} of a log that ends at {}", first_kept, last_));
    while (first_index() < first_kept) {
      const auto upto = std::min(first_index() + rows_per_trim, first_kept) - 1;
      write([&] {
        sqlite::transaction change(log_);
        drop_prefix_->bind(1, upto).run();
        save_trim_->bind(1, upto).run();
        change.commit();
      });
      trimmed_ = upto;
    }
  }

  [[nodiscard]] std::vector<image_point> image_points() const override {
    sqlite::statement rows(log_, "SELECT idx, term, membership_idx, membership FROM raft_image ORDER BY idx");
    std::vector<image_point> points;
    while (rows.step()) {
      const auto membership = rows.bytes(3);
      points.push_back({rows.unsigned_number(0),
                        rows.unsigned_number(1),
                        rows.unsigned_number(2),
                        {reinterpret_cast<const char*>(membership.data()), membership.size()}});
    }
    return points;
  }

  void save_image_point(const image_point& point, std::uint64_t oldest_kept) override {
    write([&] {
      sqlite::transaction change(log_);
      save(point);
      drop_images_->bind(1, oldest_kept).run();
      change.commit();
    });
  }

  void restart(const image_point& point) override {
    write([&] {
      sqlite::transaction change(log_);
      drop_suffix_->bind(1, std::uint64_t{0}).run();
      drop_images_->bind(1, std::numeric_limits<std::int64_t>::max()).run();
      save(point);
      save_trim_->bind(1, point.index).run();
      change.commit();
    });
    trimmed_ = last_ = point.index;
  }

  [[nodiscard]] std::uint64_t first_index() const override { return trimmed_ + 1; }
  [[nodiscard]] std::uint64_t last_index() const override { return last_; }
  [[nodiscard]] const std::string& path() const override { return log_.path(); }
  [[nodiscard]] std::uint64_t file_bytes() const override { return size_of(log_.path()); }
  [[nodiscard]] std::uint64_t wal_bytes() const override { return size_of(log_.path() + "-wal"); }

private:
  static sqlite::database open(const std::filesystem::path& path, const edit_log_options& options) {
    auto db = sqlite::open_database(
        path, options.sqlite_vfs,
        options.wal_autocheckpoint_pages ? options.wal_autocheckpoint_pages : sqlite::wal_autocheckpoint_pages_default);
    // Six lock calls less per commit, and nobody's forgotten reader keeps the WAL from being reused.
    db.execute("PRAGMA locking_mode=EXCLUSIVE");
    return db;
  }

  static std::uint64_t size_of(const std::string& path) {
    std::error_code absent;
    const auto size = std::filesystem::file_size(path, absent);
    return absent ? 0 : size;
  }

  /// Only what a new database or an older format lacks: tables that vanish later are damage, not a
  /// reason to begin anew.
  void create_log() {
    const auto format = known_format(log_, log_format);
    if (format == log_format)
      return;
    sqlite::transaction change(log_);
    if (format == 0)
      log_.execute(log_schema);
    log_.execute(image_schema);
    change.commit();
  }
  void create_meta() {
    if (known_format(meta_, meta_format) == meta_format)
      return;
    sqlite::transaction change(meta_);
    meta_.execute(meta_schema);
    change.commit();
  }
  static std::int64_t known_format(sqlite::database& db, std::int64_t newest) {
    const auto format = db.number("PRAGMA user_version");
    if (format < 0 || format > newest)
      throw_other_format(db.path(), format, newest);
    return format;
  }

  void prepare() {
    words_.emplace(log_);
    insert_.emplace(log_, insertion(1));
    insert_many_.emplace(log_, insertion(rows_per_insert));
    drop_suffix_.emplace(log_, "DELETE FROM raft_log WHERE idx >= ?1");
    drop_prefix_.emplace(log_, "DELETE FROM raft_log WHERE idx <= ?1");
    save_trim_.emplace(log_, "UPDATE raft_trim SET upto = ?1");
    save_image_.emplace(log_, "INSERT OR REPLACE INTO raft_image VALUES(?1, ?2, ?3, ?4)");
    drop_images_.emplace(log_, "DELETE FROM raft_image WHERE idx < ?1");
    save_hard_.emplace(meta_, "INSERT OR REPLACE INTO raft_meta VALUES(1, ?1, ?2)");
  }

  void load() {
    trimmed_ = static_cast<std::uint64_t>(log_.number("SELECT upto FROM raft_trim"));
    const auto newest = static_cast<std::uint64_t>(log_.number("SELECT max(idx) FROM raft_log"));
    const auto oldest = static_cast<std::uint64_t>(log_.number("SELECT min(idx) FROM raft_log"));
    if (newest != 0 && oldest != trimmed_ + 1)
      throw_corrupt(log_.path(), fmt::format("it was trimmed up to {} but begins at {}", trimmed_, oldest));
    last_ = std::max(newest, trimmed_);

    sqlite::statement meta(meta_, "SELECT term, vote FROM raft_meta");
    if (meta.step())
      hard_ = {meta.unsigned_number(0), meta.unsigned_number(1)};
    const auto term = static_cast<std::uint64_t>(log_.number("SELECT term FROM raft_log ORDER BY idx DESC LIMIT 1"));
    if (term > hard_.term)
      throw_corrupt(meta_.path(),
                    fmt::format("its term is {} but {} has an entry of term {}", hard_.term, log_.path(), term));
  }

  void save(const image_point& point) {
    save_image_->bind(1, point.index)
        .bind(2, point.term)
        .bind(3, point.membership_index)
        .bind(4, std::as_bytes(std::span(point.membership)))
        .run();
  }

  void insert(std::uint64_t first, std::span<const log_entry> entries) {
    std::size_t done = 0;
    for (; entries.size() - done >= rows_per_insert; done += rows_per_insert)
      insert(*insert_many_, first + done, entries.subspan(done, rows_per_insert));
    for (; done < entries.size(); ++done)
      insert(*insert_, first + done, entries.subspan(done, 1));
  }

  static void insert(sqlite::statement& rows, std::uint64_t first, std::span<const log_entry> entries) {
    for (int parameter = 1; const auto& entry : entries) {
      rows.bind(parameter, first)
          .bind(parameter + 1, entry.term)
          .bind(parameter + 2, std::int64_t{entry.type})
          .bind(parameter + 3, checksum_of(first, entry))
          .bind(parameter + 4, entry.bytes);
      parameter += columns;
      ++first;
    }
    rows.run();
  }

  /// After one failed write nothing is written any more: what the kernel still holds of it is
  /// unknown, so a later success would prove nothing.
  template <class Change>
  void write(Change&& change) {
    if (broken_)
      throw *broken_;
    try {
      change();
    } catch (const storage_error& error) {
      broken_ = error;
      throw;
    }
  }

  sqlite::database log_;
  sqlite::database meta_;
  std::optional<sqlite::transaction_words> words_;
  std::optional<sqlite::statement> insert_, insert_many_, drop_suffix_, drop_prefix_, save_trim_, save_image_, drop_images_,
      save_hard_;
  std::uint64_t trimmed_ = 0;  ///< Highest index that was trimmed.
  std::uint64_t last_ = 0;
  hard_state hard_;
  std::optional<storage_error> broken_;
};

}  // namespace

std::unique_ptr<edit_log> open_sqlite_edit_log(const std::filesystem::path& directory,
                                               const edit_log_options& options) {
  if (options.sqlite_vfs.empty())
    make_directories_durably(directory);
  return std::make_unique<sqlite_edit_log>(directory, options);
}

void look_at_edit_log(const std::filesystem::path& directory, std::uint64_t from, const edit_log::visit_fn& visit) {
  auto log = sqlite::open_to_read(directory / "log.db");
  if (const auto format = log.number("PRAGMA user_version"); format < 1 || format > log_format)
    throw_other_format(log.path(), format, log_format);
  const auto trimmed = static_cast<std::uint64_t>(log.number("SELECT upto FROM raft_trim"));
  const auto last = static_cast<std::uint64_t>(log.number("SELECT max(idx) FROM raft_log"));
  visit_rows(log, std::max(from, trimmed + 1), last, visit);
}

}  // namespace tabletd
