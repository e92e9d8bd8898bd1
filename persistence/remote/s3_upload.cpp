// How an object gets into the bucket: in one request, or in parts of which one at a time is in memory.
#include "persistence/remote/remote_key.h"
#include "persistence/remote/s3_remote_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace tabletd {

namespace {
constexpr const char* mark_header = "x-amz-meta-tabletd-put";
}  // namespace

std::optional<std::uint64_t> part_bytes_for(std::uint64_t size_bytes, std::uint64_t part_bytes) {
  const auto needed = size_bytes / s3_parts_max + (size_bytes % s3_parts_max != 0);
  if (needed > s3_part_bytes_max)
    return std::nullopt;
  return std::max(needed, part_bytes);
}

struct s3_remote_store::upload {
  std::string_view key;
  const put_source& source;
  bool only_if_absent;
  std::uint64_t part_bytes;
  std::string mark;  ///< Of this put and no other.
};

void s3_remote_store::put(std::string_view key, const put_source& source, const time_left_fn& time_left) {
  write(key, source, false, time_left);
}

void s3_remote_store::put_if_absent(std::string_view key, const put_source& source, const time_left_fn& time_left) {
  write(key, source, true, time_left);
}

void s3_remote_store::write(std::string_view key, const put_source& source, bool only_if_absent,
                            const time_left_fn& time_left) {
  require_key(key, name_, "put");
  const auto part_bytes = part_bytes_for(source.size_bytes(), config_.part_bytes);
  if (!part_bytes)
    fail_remote(remote_fault::unusable, name_, "put", key, fmt::format("it has {} bytes", source.size_bytes()),
                fmt::format("put at most {} at once", s3_parts_max * s3_part_bytes_max));
  const upload what{key, source, only_if_absent, *part_bytes, hex(surroundings_.dice()) + hex(surroundings_.dice())};
  if (source.size_bytes() <= *part_bytes)
    put_whole(what, time_left);
  else
    put_parts(what, time_left);
}

/// Whether the object that is there is the one this put made.
bool s3_remote_store::is_own(const upload& what, const time_left_fn& time_left) {
  const auto reply
      = exchange({.doing = "put", .key = what.key, .method = "HEAD", .path = full_key(what.key)}, time_left);
  return reply.header(mark_header) == what.mark;
}

void s3_remote_store::put_whole(const upload& what, const time_left_fn& time_left) {
  require_time(time_left, name_, "put", what.key);
  const auto size = what.source.size_bytes();
  const auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
  const std::span body(bytes.get(), size);
  what.source.read_at(0, body);
  call wanted{.doing = "put", .key = what.key, .method = "PUT", .path = full_key(what.key)};
  wanted.headers[mark_header] = what.mark;
  if (what.only_if_absent)
    wanted.headers["if-none-match"] = "*";
  wanted.body = body;
  try {
    (void)exchange(wanted, time_left);
  } catch (const remote_error& error) {
    // The answer to an earlier attempt may be what was lost; libcurl may also have repeated one by itself.
    if (error.fault() != remote_fault::exists_already || !is_own(what, time_left))
      throw;
  }
}

void s3_remote_store::put_parts(const upload& what, const time_left_fn& time_left) {
  if (what.only_if_absent) {
    // Before gigabytes travel for nothing; complete() is what decides.
    constexpr long not_found = 404;
    call look{.doing = "put", .key = what.key, .method = "HEAD", .path = full_key(what.key)};
    look.also_good_status = not_found;
    if (exchange(look, time_left).status != not_found)
      fail_remote(remote_fault::exists_already, name_, "put", what.key, "an object has this key",
                  "another writer was first: read what it wrote");
  }
  call begin{.doing = "put", .key = what.key, .method = "POST", .path = full_key(what.key)};
  begin.query = {{"uploads", ""}};
  begin.headers[mark_header] = what.mark;
  const auto upload_id = xml_text(exchange(begin, time_left).body, "UploadId").value_or("");
  if (upload_id.empty())
    fail_remote(remote_fault::corrupt, name_, "put", what.key, "the upload that began has no id",
                "check that the endpoint is an S3 store");
  try {
    complete(what, upload_id, send_parts(what, upload_id, time_left), time_left);
  } catch (...) {
    abort(what, upload_id);
    throw;
  }
}

/// The list of parts, as complete() wants it.
std::string s3_remote_store::send_parts(const upload& what, const std::string& upload_id,
                                        const time_left_fn& time_left) {
  const auto size = what.source.size_bytes();
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(what.part_bytes);
  std::string parts;
  int number = 0;
  for (std::uint64_t offset = 0; offset < size; offset += what.part_bytes) {
    require_time(time_left, name_, "put", what.key);
    const std::span part(buffer.get(), std::min(what.part_bytes, size - offset));
    what.source.read_at(offset, part);
    call send{.doing = "put", .key = what.key, .method = "PUT", .path = full_key(what.key)};
    send.query = {{"partNumber", std::to_string(++number)}, {"uploadId", upload_id}};
    send.body = part;
    const auto tag = std::string(exchange(send, time_left).header("etag"));
    if (tag.empty() || tag.find_first_of("<&>") != std::string::npos)
      fail_remote(remote_fault::corrupt, name_, "put", what.key, fmt::format("part {} has no ETag", number),
                  "check that the endpoint is an S3 store");
    parts += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, tag);
  }
  return parts;
}

void s3_remote_store::complete(const upload& what, const std::string& upload_id, const std::string& parts,
                               const time_left_fn& time_left) {
  const auto body = fmt::format("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts);
  call finish{.doing = "put", .key = what.key, .method = "POST", .path = full_key(what.key)};
  finish.query = {{"uploadId", upload_id}};
  finish.body = std::as_bytes(std::span(body));
  if (what.only_if_absent)
    finish.headers["if-none-match"] = "*";
  try {
    (void)exchange(finish, time_left);
  } catch (const remote_error& error) {
    // As in put_whole().  After a completion whose answer was lost, the upload is no longer known either.
    const bool may_be_done = error.fault() == remote_fault::exists_already || error.fault() == remote_fault::not_found;
    if (!may_be_done || !is_own(what, time_left))
      throw;
  }
}

void s3_remote_store::abort(const upload& what, const std::string& upload_id) noexcept {
  // The parts are seen by nobody, so this may outlast the caller's time by a little.
  constexpr std::chrono::milliseconds patience{5'000};
  try {
    call drop{.doing = "put", .key = what.key, .method = "DELETE", .path = full_key(what.key)};
    drop.query = {{"uploadId", upload_id}};
    (void)attempt(drop, surroundings_.credentials(), patience, [] { return patience; });
  } catch (const std::exception&) {
    // What made us abort is what the caller should hear of; the bucket's own rule drops the parts.
  }
}

}  // namespace tabletd
