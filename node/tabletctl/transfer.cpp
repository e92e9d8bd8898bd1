// The two pumps; see transfer.h.
#include "node/tabletctl/transfer.h"
#include "node/tabletctl/display.h"
#include <capnp/orphan.h>
#include <fmt/format.h>
#include <algorithm>
#include <deque>

namespace tabletd::ctl {

namespace {

answer error_answer(api::Error::Reader from) {
  answer out;
  out.what = answer::kind::error;
  out.error = read_error(from);
  return out;
}

/// What Upload.finish may say: done or error.
answer finished(api::Result::Reader result) {
  answer out;
  out.statement = result.getStatement().cStr();
  for (const auto warning : result.getWarnings())
    out.warnings.push_back(read_error(warning));
  if (result.isError()) {
    out.what = answer::kind::error;
    out.error = read_error(result.getError());
  } else if (result.isDone()) {
    out.message = result.getDone().getMessage().cStr();
    out.affected = result.getDone().getAffected();
  } else {
    return local_error(
      api::ErrorCode::UNSUPPORTED,
      "the server ended the load with an answer this tabletctl does not know",
      "look whether the rows are there, and use a tabletctl of the server's version");
  }
  return out;
}

/// Upload.write calls on their way, oldest first.
class upload_window {
public:
  upload_window(waiter& wait, api::Upload::Client upload) : wait_(wait), upload_(kj::mv(upload)) {}

  /// Sends the next slice of `file`; false at its end.
  bool send(source_file& file) {
    auto request
      = upload_.writeRequest(capnp::MessageSize{upload_chunk_bytes / sizeof(capnp::word) + 64, 0});
    api::Upload::WriteParams::Builder params = request;
    // Read into the message itself.
    auto chunk = capnp::Orphanage::getForMessageContaining(params).newOrphan<capnp::Data>(
      upload_chunk_bytes);
    auto room = chunk.get();
    const auto bytes = file.read(std::as_writable_bytes(std::span{room.begin(), room.size()}));
    if (bytes == 0)
      return false;
    chunk.truncate(static_cast<capnp::uint>(bytes));
    params.adoptChunk(kj::mv(chunk));
    params.setOffset(sent_);
    sent_ += bytes;
    open_.push_back({request.send(), sent_});
    return true;
  }
  [[nodiscard]] bool empty() const { return open_.empty(); }
  [[nodiscard]] bool full() const { return open_.size() >= api::WINDOW_CALLS; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

  /// Waits for the oldest call; its error if it has one.
  std::optional<answer> receive() {
    auto first = kj::mv(open_.front());
    open_.pop_front();
    const auto response
      = wait_.wait(kj::Promise<capnp::Response<api::Upload::WriteResults>>(kj::mv(first.promise)));
    acknowledged_ = first.end;
    if (response.getOutcome().isError())
      return error_answer(response.getOutcome().getError());
    return std::nullopt;
  }

private:
  struct call {
    capnp::RemotePromise<api::Upload::WriteResults> promise;
    std::uint64_t end; ///< Bytes of the file sent with it and before.
  };
  waiter& wait_;
  api::Upload::Client upload_;
  std::deque<call> open_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
};

std::uint64_t rows_in(capnp::Data::Reader chunk) {
  return static_cast<std::uint64_t>(
    std::count(chunk.begin(), chunk.end(), '\n')); // A row ends with its newline.
}

} // namespace

answer local_error(api::ErrorCode code, std::string message, std::string hint) {
  answer out;
  out.what = answer::kind::error;
  out.error.code = code;
  out.error.message = std::move(message);
  out.error.hint = std::move(hint);
  return out;
}

answer run_upload(waiter& wait, api::Upload::Client upload, const std::string& path,
                  const transfer_fn& on_transfer) {
  source_file file{path};
  transfer_state state{transfer_state::way::load, path, 0, file.bytes_total()};
  upload_window window{wait, upload};
  for (bool more = true; more || !window.empty();) {
    more = more && window.send(file);
    if (window.empty() || (more && !window.full()))
      continue;
    if (auto refused = window.receive())
      return std::move(*refused);
    state.bytes = window.acknowledged();
    if (on_transfer)
      on_transfer(state);
  }
  const auto response = wait.wait(
    kj::Promise<capnp::Response<api::Upload::FinishResults>>(upload.finishRequest().send()));
  return finished(response.getResult());
}

answer run_download(waiter& wait, api::DownloadOffer::Reader offer, const std::string& path,
                    const transfer_fn& on_transfer) {
  export_file file{path};
  transfer_state state{transfer_state::way::unload, path, 0, offer.getBytes()};
  auto download = offer.getDownload();
  std::deque<capnp::RemotePromise<api::Download::ReadResults>> open;
  std::uint64_t rows = 0;
  while (true) {
    while (open.size() < api::WINDOW_CALLS)
      open.push_back(download.readRequest().send());
    auto first = kj::mv(open.front());
    open.pop_front();
    const auto response
      = wait.wait(kj::Promise<capnp::Response<api::Download::ReadResults>>(kj::mv(first)));
    if (response.getError().getCode() != api::ErrorCode::UNSPECIFIED)
      return error_answer(response.getError());
    const auto chunk = response.getChunk();
    file.append(std::as_bytes(std::span{chunk.begin(), chunk.size()}));
    rows += rows_in(chunk);
    state.bytes += chunk.size();
    if (on_transfer)
      on_transfer(state);
    if (response.getEnd())
      break;
  }
  if (rows != offer.getRows())
    return local_error(
      api::ErrorCode::DATA_LOSS,
      fmt::format("the export ended after {} of {} rows; {} was not touched", rows, offer.getRows(),
                  path),
      "export again; if it repeats, look at SHOW PROC '/statistic' and the front end's log");
  file.commit();
  answer out;
  out.message = fmt::format("exported {} rows, {}, to {}", rows,
                            bytes_text(static_cast<double>(state.bytes)), path);
  out.affected = rows;
  return out;
}

} // namespace tabletd::ctl
