// The pumps and the files under them.  Client and server share one loop here, so "how many
// calls are open when nothing else can happen" is an exact number.
#include "node/tabletctl/transfer.h"
#include "tests/tabletctl/fake_server.h"
#include <capnp/message.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>

namespace tabletd::ctl {
namespace {

namespace fs = std::filesystem;

struct scratch {
  fs::path dir = fs::temp_directory_path() / ("tabletctl-test-" + std::to_string(::getpid()));
  scratch() { fs::create_directories(dir); }
  ~scratch() { fs::remove_all(dir); }
  [[nodiscard]] std::string path(const std::string& name) const { return (dir / name).string(); }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& one : fs::directory_iterator(dir))
      out.push_back(one.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

struct tally {
  std::string received;
  std::size_t open = 0;
  std::size_t open_max = 0;
  std::size_t settled = 0; ///< Times the loop went idle with calls open.
  bool dropped = false;
  bool finished = false;
};

/// Answers the oldest write only when nothing else can happen.
class lazy_upload final : public api::Upload::Server {
public:
  lazy_upload(tally& to, std::size_t fail_at = 0) : to_(to), fail_at_(fail_at) {}
  ~lazy_upload() noexcept { to_.dropped = true; }
  kj::Promise<void> write(WriteContext context) override {
    const auto chunk = context.getParams().getChunk().asChars();
    KJ_ASSERT(context.getParams().getOffset() == to_.received.size());
    to_.received.append(chunk.begin(), chunk.size());
    to_.open_max = std::max(to_.open_max, ++to_.open);
    const auto number = ++writes_;
    return kj::evalLast([this, context, number]() mutable {
      --to_.open;
      ++to_.settled;
      if (number == fail_at_) {
        auto error = context.getResults().initOutcome().initError();
        error.setCode(api::ErrorCode::INVALID_ARGUMENT);
        error.setMessage("line 7 is too long");
      } else {
        context.getResults().initOutcome().setOk();
      }
    });
  }
  kj::Promise<void> finish(FinishContext context) override {
    to_.finished = true;
    auto result = context.getResults().initResult();
    result.setStatement("load");
    result.initDone().setMessage("loaded");
    return kj::READY_NOW;
  }

private:
  tally& to_;
  std::size_t fail_at_;
  std::size_t writes_ = 0;
};

class lazy_download final : public api::Download::Server {
public:
  lazy_download(tally& to, std::string text, std::size_t chunk, std::size_t fail_at = 0)
    : to_(to),
      text_(std::move(text)),
      chunk_(chunk),
      fail_at_(fail_at) {}
  kj::Promise<void> read(ReadContext context) override {
    to_.open_max = std::max(to_.open_max, ++to_.open);
    const auto number = ++reads_;
    return kj::evalLast([this, context, number]() mutable {
      --to_.open;
      auto results = context.getResults();
      if (number == fail_at_) {
        results.initError().setCode(api::ErrorCode::DATA_LOSS);
        results.getError().setMessage("tablet 7 is gone");
        return;
      }
      const auto piece = text_.substr(std::min((number - 1) * chunk_, text_.size()), chunk_);
      results.setChunk(kj::arrayPtr(piece.data(), piece.size()).asBytes());
      results.setEnd(piece.empty());
    });
  }

private:
  tally& to_;
  std::string text_;
  std::size_t chunk_;
  std::size_t fail_at_;
  std::size_t reads_ = 0;
};

struct Transfer : ::testing::Test {
  ~Transfer() noexcept override = default;
  static void SetUpTestSuite() { capture_interrupts(); }
  kj::AsyncIoContext io = kj::setupAsyncIo();
  waiter wait{io};
  scratch files;
  tally seen;
  capnp::MallocMessageBuilder message;

  api::DownloadOffer::Reader offer(const std::string& path, api::Download::Client download,
                                   const std::string& text) {
    auto made = message.initRoot<api::DownloadOffer>();
    made.setPath(path);
    made.setDownload(kj::mv(download));
    made.setRows(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')));
    made.setBytes(text.size());
    return made.asReader();
  }
};

TEST_F(Transfer, UploadKeepsExactlyTheWindowOpen) {
  const auto text = fake::lines_of(20 * upload_chunk_bytes + 12'345);
  const auto path = files.write("in", text);
  std::vector<std::uint64_t> steps;
  const auto got = run_upload(wait, kj::heap<lazy_upload>(seen), path,
                              [&](const transfer_state& state) { steps.push_back(state.bytes); });
  EXPECT_TRUE(got.ok());
  EXPECT_EQ(got.message, "loaded");
  EXPECT_EQ(seen.open_max, api::WINDOW_CALLS);
  EXPECT_TRUE(seen.received == text);
  ASSERT_EQ(steps.size(), 21U);
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_EQ(steps.back(), text.size());
}

TEST_F(Transfer, UploadOfAnEmptyFileCommitsNothingButCommits) {
  EXPECT_TRUE(run_upload(wait, kj::heap<lazy_upload>(seen), files.write("in", ""), {}).ok());
  EXPECT_TRUE(seen.finished);
  EXPECT_EQ(seen.open_max, 0U);
}

TEST_F(Transfer, UploadStopsAtTheFirstErrorAndRollsBack) {
  const auto path = files.write("in", fake::lines_of(20 * upload_chunk_bytes));
  const auto got = run_upload(wait, kj::heap<lazy_upload>(seen, 3), path, {});
  wait.settle();
  EXPECT_EQ(got.error.message, "line 7 is too long");
  EXPECT_FALSE(seen.finished);
  EXPECT_TRUE(seen.dropped);
  EXPECT_LE(seen.received.size(), (3 + api::WINDOW_CALLS) * upload_chunk_bytes);
}

TEST_F(Transfer, UploadOfAFileThatIsNotThereSaysSo) {
  try {
    run_upload(wait, kj::heap<lazy_upload>(seen), files.path("absent"), {});
    FAIL() << "it was opened";
  } catch (const file_failure& why) {
    EXPECT_EQ(why.code(), api::ErrorCode::NOT_FOUND);
    EXPECT_NE(std::string{why.what()}.find("absent"), std::string::npos);
  }
  EXPECT_THROW(run_upload(wait, kj::heap<lazy_upload>(seen), files.dir.string(), {}), file_failure);
  EXPECT_FALSE(seen.finished);
}

TEST_F(Transfer, DownloadKeepsExactlyTheWindowOpen) {
  const auto text = fake::lines_of(3'000'000);
  const auto path = files.path("out");
  const auto got
    = run_download(wait, offer(path, kj::heap<lazy_download>(seen, text, 100'000), text), path, {});
  EXPECT_TRUE(got.ok()) << got.error.message;
  EXPECT_EQ(seen.open_max, api::WINDOW_CALLS);
  EXPECT_TRUE(files.read("out") == text);
  EXPECT_EQ(files.names(), std::vector<std::string>{"out"});
  EXPECT_EQ(got.affected, static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')));
}

TEST_F(Transfer, DownloadReplacesAFileOnlyWhenItIsComplete) {
  const auto text = fake::lines_of(3'000'000);
  const auto path = files.write("out", "precious\n");
  ::chmod(path.c_str(), 0640);
  const auto failed = run_download(
    wait, offer(path, kj::heap<lazy_download>(seen, text, 100'000, 12), text), path, {});
  EXPECT_EQ(failed.error.code, api::ErrorCode::DATA_LOSS);
  EXPECT_EQ(files.read("out"), "precious\n");
  EXPECT_EQ(files.names(), std::vector<std::string>{"out"}) << "the temporary file must be gone";

  tally again;
  EXPECT_TRUE(
    run_download(wait, offer(path, kj::heap<lazy_download>(again, text, 100'000), text), path, {})
      .ok());
  EXPECT_TRUE(files.read("out") == text);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms{0640});
}

TEST_F(Transfer, DownloadThatEndsEarlyIsAnError) {
  const auto text = fake::lines_of(1'000'000);
  const auto path = files.path("out");
  const auto got = run_download(
    wait, offer(path, kj::heap<lazy_download>(seen, text.substr(0, 999'936), 100'000), text), path,
    {});
  EXPECT_EQ(got.error.code, api::ErrorCode::DATA_LOSS);
  EXPECT_TRUE(files.names().empty());
}

TEST_F(Transfer, InterruptEndsAPumpAndRemovesItsFile) {
  const auto text = fake::lines_of(3'000'000);
  const auto path = files.path("out");
  int calls = 0;
  const auto interrupt = [&](const transfer_state&) {
    if (++calls == 3)
      ::raise(SIGINT);
  };
  try {
    run_download(wait, offer(path, kj::heap<lazy_download>(seen, text, 1000), text), path,
                 interrupt);
    FAIL() << "it went on";
  } catch (const client_failure& why) {
    EXPECT_EQ(why.why(), trouble::interrupted);
  }
  EXPECT_TRUE(files.names().empty());
  EXPECT_LT(calls, 200);
}

TEST_F(Transfer, AnExportThroughALinkKeepsTheLink) {
  (void)files.write("real", "old\n");
  fs::create_symlink("real", files.path("link"));
  export_file out{files.path("link")};
  out.append(std::as_bytes(std::span{std::string_view{"new\n"}}));
  out.commit();
  EXPECT_TRUE(fs::is_symlink(files.path("link")));
  EXPECT_EQ(files.read("real"), "new\n");
}

TEST_F(Transfer, AnExportToAPipeOrDeviceDoesNotReplaceIt) {
  // A pipe stands for every special file: a test that failed on /dev/null would replace it.
  const auto path = files.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  {
    export_file out{path};
    out.append(std::as_bytes(std::span{std::string_view{"x\n"}}));
    out.commit();
  }
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(files.names(), std::vector<std::string>{"pipe"});
  char got[8];
  EXPECT_EQ(::read(reader, got, sizeof got), 2);
  ::close(reader);
  EXPECT_THROW(export_file{files.dir.string()}, file_failure);
  EXPECT_THROW(export_file{files.path("no/such/dir/out")}, file_failure);
}

} // namespace
} // namespace tabletd::ctl
