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
      at.file = store.begin_rowset(tablet);
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

std::vector<load_failure> load_part::prepare(tablet_store& store, const std::vector<load_expected>& tablets) {
  std::vector<load_failure> failed;
  std::vector<tablet_store::to_prepare> files;
  for (const auto& wanted : tablets) {
    auto& at = lanes_[wanted.tablet];
    if (at.failure.empty())
      check(store, wanted.tablet, at); // A drop may have come meanwhile.
    if (auto why = objection(at, wanted); !why.empty())
      failed.push_back({wanted.tablet, std::move(why)});
    else
      files.push_back({wanted.tablet, std::move(at.file)});
  }
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
  paths_->stats().load_failures += failed.size();
  discard();
  return failed;
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

kj::Promise<std::vector<load_failure>> load_writer::prepare_part(const std::shared_ptr<load_part>& part,
                                                                 std::vector<load_expected> tablets) {
  return on_disk(room_->loop(), part->disk(), [part, tablets = std::move(tablets)](tablet_store& store) {
           return part->prepare(store, tablets);
         }).then([](disk_result<std::vector<load_failure>>&& result) {
    if (const auto* why = result.error())
      KJ_FAIL_REQUIRE("prepare failed", why->what());
    return std::move(result.value());
  });
}

kj::Promise<void> load_writer::prepare(PrepareContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  KJ_REQUIRE(!prepared_, "LoadWriter: prepare came twice", txn_);
  prepared_ = true;
  std::map<std::shared_ptr<load_part>, std::vector<load_expected>> by_part;
  auto failed = std::make_shared<std::vector<load_failure>>();
  for (const auto wanted : context.getParams().getTablets()) {
    if (const auto at = part_of_.find(wanted.getTablet()); at != part_of_.end())
      by_part[at->second].push_back({wanted.getTablet(), wanted.getRows(), wanted.getBytes()});
    else
      failed->push_back({wanted.getTablet(),
                         fmt::format("this backend did not hold tablet {} when the load began", wanted.getTablet())});
  }
  kj::Vector<kj::Promise<void>> parts;
  for (auto& [part, tablets] : by_part)
    parts.add(prepare_part(part, std::move(tablets)).then([failed](std::vector<load_failure>&& more) {
      failed->insert(failed->end(), more.begin(), more.end());
    }));
  return room_->counted(kj::joinPromises(parts.releaseAsArray()).then([this, context, failed]() mutable {
    auto list = context.getResults().initFailed(static_cast<unsigned>(failed->size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setTablet((*failed)[i].tablet);
      list[i].setTxn(txn_);
      list[i].setMessage((*failed)[i].message.c_str());
    }
  }));
}

} // namespace tabletd
