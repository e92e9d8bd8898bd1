#include "node/be/load_writer.h"
#include <fmt/format.h>

namespace tabletd {

// -- on the disk -------------------------------------------------------------------------

void load_part::open(const tablet_store& store, const std::vector<load_target>& targets) {
  for (const auto& target : targets) {
    auto& at = lanes_[target.tablet];
    at.replica = target.replica;
    check(store, target.tablet, at);
  }
}

void load_part::check(const tablet_store& store, std::uint64_t tablet, lane& at) const {
  if (has_left(tablet))
    return; // Its new path will say.
  const auto here = store.status(tablet);
  if (!here)
    at.failure = fmt::format("path {} does not hold tablet {} any more", disk_.root(), tablet);
  else if (here->replica != at.replica)
    at.failure = fmt::format("path {} holds replica {} of tablet {}, not {}", disk_.root(), here->replica,
                             tablet, at.replica);
  else if (const auto why = disk_.refusal(); !why.empty())
    at.failure = why;
}

void load_part::fail(lane& at, const storage_error& why) const {
  disk_.note(why);
  at.failure = fmt::format("path {}: {}", disk_.root(), why.what());
  at.file.reset();
}

void load_part::append(tablet_store& store, std::uint64_t tablet, byte_span block, std::uint32_t rows,
                       std::uint64_t checksum) {
  auto& at = lanes_[tablet];
  if (!at.failure.empty())
    return;
  try {
    if (!at.file)
      at.file = has_left(tablet) ? store.begin_stray(tablet) : store.begin_rowset(tablet);
    at.file->append(block, rows, checksum);
    paths_->stats().load_bytes += block.size();
  } catch (const storage_error& why) {
    fail(at, why);
  }
}

std::string load_part::objection(const lane& at, const load_expected& wanted) const {
  if (!at.failure.empty())
    return at.failure;
  const auto rows = at.file ? at.file->rows() : 0;
  const auto bytes = at.file ? at.file->bytes() : 0;
  if (rows != wanted.rows || bytes != wanted.bytes)
    return fmt::format("{} rows and {} bytes of tablet {} arrived where {} and {} were sent; load again",
                       rows, bytes, wanted.tablet, wanted.rows, wanted.bytes);
  return {};
}

load_prepared load_part::prepare(tablet_store& store, const std::vector<load_expected>& tablets) {
  load_prepared outcome;
  std::vector<tablet_store::to_prepare> files;
  for (const auto& wanted : tablets) {
    auto& at = lanes_[wanted.tablet];
    if (at.failure.empty())
      check(store, wanted.tablet, at); // A drop may have come meanwhile.
    if (auto why = objection(at, wanted); !why.empty())
      outcome.failed.push_back({wanted.tablet, std::move(why)});
    else if (has_left(wanted.tablet))
      outcome.strays.push_back({at.replica, wanted, std::move(at.file)});
    else
      files.push_back({wanted.tablet, std::move(at.file)});
  }
  prepare_files(store, std::move(files), outcome.failed);
  paths_->stats().load_failures += outcome.failed.size();
  discard();
  return outcome;
}

void load_part::prepare_files(tablet_store& store, std::vector<tablet_store::to_prepare> files,
                              std::vector<load_failure>& failed) {
  std::vector<std::uint64_t> preparing;
  for (const auto& file : files)
    preparing.push_back(file.tablet);
  try {
    if (!files.empty())
      store.prepare(txn_, std::move(files));
    paths_->stats().loads_prepared += preparing.size();
    paths_->changed(disk_, store, {}, path_set::prepared_set::changed);
  } catch (const storage_error& why) {
    disk_.note(why);
    for (const auto tablet : preparing)
      failed.push_back({tablet, fmt::format("path {}: {}", disk_.root(), why.what())});
  }
}

load_prepared load_part::prepare_strays(tablet_store& store, const std::vector<load_stray>& strays) {
  std::vector<load_expected> tablets;
  for (const auto& stray : strays) {
    const auto tablet = stray.expected.tablet;
    tablets.push_back(stray.expected);
    auto& at = lanes_[tablet];
    at.replica = stray.replica;
    check(store, tablet, at);
    if (!at.failure.empty() || !stray.file)
      continue;
    try {
      at.file = store.begin_rowset(tablet);
      stray.file->copy_to(*at.file);
    } catch (const storage_error& why) {
      fail(at, why);
    }
  }
  return prepare(store, tablets);
}

// -- in the loop -------------------------------------------------------------------------

load_writer::load_writer(backend_room_ptr room, std::uint64_t link, std::uint64_t txn,
                         const std::vector<load_target>& targets)
  : room_(std::move(room)), link_(link), txn_(txn) {
  std::map<disk_worker*, std::vector<load_target>> by_disk;
  for (const auto& target : targets)
    if (auto* disk = room_->paths().disk_of(target.tablet))
      by_disk[disk].push_back(target);
  for (auto& [disk, of_disk] : by_disk) {
    auto part = std::make_shared<load_part>(room_->shared_paths(), *disk, txn_);
    for (const auto& target : of_disk)
      part_of_[target.tablet] = part;
    disk->post([part, of_disk = std::move(of_disk)](tablet_store& store) { part->open(store, of_disk); });
  }
  ++room_->stats().loads_opened;
}

load_writer::~load_writer() noexcept(false) {
  std::set<std::shared_ptr<load_part>> parts;
  for (auto& [tablet, part] : part_of_)
    parts.insert(std::move(part));
  for (const auto& part : parts)
    part->disk().post([part](tablet_store&) { part->discard(); });
}

kj::Promise<void> load_writer::write(WriteContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  KJ_REQUIRE(!prepared_, "LoadWriter: a block came after prepare", txn_);
  const auto params = context.getParams();
  const auto at = part_of_.find(params.getTablet());
  if (at == part_of_.end())
    return kj::READY_NOW; // prepare says so.
  const auto block = params.getBlock();
  // The call keeps its message until its promise is done, so the disk reads it in place.
  return on_disk(room_->loop(), at->second->disk(),
                 [part = at->second, tablet = params.getTablet(), rows = params.getRows(),
                  checksum = params.getChecksum(),
                  bytes = byte_span{reinterpret_cast<const std::byte*>(block.begin()), block.size()}](
                   tablet_store& store) {
                   part->append(store, tablet, bytes, rows, checksum);
                   return disk_done{};
                 })
    .then([](auto&&) {});
}

kj::Promise<void> load_writer::prepared(disk_result<load_prepared>&& result, const tablet_gate::pass_ptr& pass,
                                        const failures_ptr& failed) {
  if (const auto* why = result.error())
    KJ_FAIL_REQUIRE("prepare failed", why->what());
  auto& outcome = result.value();
  failed->insert(failed->end(), outcome.failed.begin(), outcome.failed.end());
  std::map<disk_worker*, std::vector<load_stray>> by_disk;
  for (auto& stray : outcome.strays) {
    const auto tablet = stray.expected.tablet;
    if (auto* disk = room_->paths().disk_of(tablet))
      by_disk[disk].push_back(std::move(stray));
    else
      failed->push_back({tablet, fmt::format("this backend does not hold tablet {} any more", tablet)});
  }
  kj::Vector<kj::Promise<void>> moved;
  for (auto& [disk, strays] : by_disk) {
    auto part = std::make_shared<load_part>(room_->shared_paths(), *disk, txn_);
    moved.add(on_disk(room_->loop(), *disk,
                      [part, strays = std::move(strays)](tablet_store& store) mutable {
                        const auto taken = std::move(strays); // Their old files go with it.
                        return part->prepare_strays(store, taken);
                      },
                      pass)
                .then([this, pass, failed](disk_result<load_prepared>&& more) {
                  return prepared(kj::mv(more), pass, failed);
                }));
  }
  return kj::joinPromises(moved.releaseAsArray());
}

/// No tablet of `pass` changes its path meanwhile.
kj::Promise<void> load_writer::prepare_all(const std::vector<load_expected>& tablets, tablet_gate::pass_ptr pass,
                                           failures_ptr failed) {
  std::map<std::shared_ptr<load_part>, std::vector<load_expected>> by_part;
  for (const auto& wanted : tablets) {
    if (const auto at = part_of_.find(wanted.tablet); at != part_of_.end())
      by_part[at->second].push_back(wanted);
    else
      failed->push_back({wanted.tablet,
                         fmt::format("this backend did not hold tablet {} when the load began", wanted.tablet)});
  }
  kj::Vector<kj::Promise<void>> parts;
  for (auto& [part, of_part] : by_part)
    parts.add(on_disk(room_->loop(), part->disk(),
                      [part = part, of_part = std::move(of_part)](tablet_store& store) {
                        return part->prepare(store, of_part);
                      },
                      pass)
                .then([this, pass, failed](disk_result<load_prepared>&& result) {
                  return prepared(kj::mv(result), pass, failed);
                }));
  return kj::joinPromises(parts.releaseAsArray());
}

kj::Promise<void> load_writer::prepare(PrepareContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  KJ_REQUIRE(!prepared_, "LoadWriter: prepare came twice", txn_);
  prepared_ = true;
  std::vector<load_expected> expected;
  std::vector<std::uint64_t> tablets;
  for (const auto wanted : context.getParams().getTablets()) {
    expected.push_back({wanted.getTablet(), wanted.getRows(), wanted.getBytes()});
    tablets.push_back(wanted.getTablet());
  }
  if (expected.empty())
    return kj::READY_NOW;
  auto failed = std::make_shared<std::vector<load_failure>>();
  const auto pass = room_->gate().enter(std::move(tablets));
  auto all_prepared = pass->admitted().then([this, expected = std::move(expected), pass, failed]() -> kj::Promise<void> {
    KJ_IF_MAYBE(why, room_->refuse(link_))
      return kj::mv(*why); // Another leader came while this waited.
    return prepare_all(expected, pass, failed);
  });
  return room_->counted(all_prepared.then([this, context, failed]() mutable {
    auto list = context.getResults().initFailed(static_cast<unsigned>(failed->size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setTablet((*failed)[i].tablet);
      list[i].setTxn(txn_);
      list[i].setMessage((*failed)[i].message.c_str());
    }
  }));
}

} // namespace tabletd
