#pragma once
// s3:// : a bucket of an S3 store, path style, signed by Signature Version 4.
#include "persistence/remote/remote_store.h"
#include "persistence/remote/retry_pacing.h"
#include "persistence/remote/s3_answer.h"
#include "persistence/remote/s3_credentials.h"
#include "persistence/remote/s3_transport.h"

namespace tabletd {

struct s3_config {
  std::string endpoint{};  ///< https://host[:port], or http:// where the network is trusted.
  std::string region = "us-east-1";
  std::string bucket{};
  std::string prefix{};   ///< In front of every key, with a slash between; empty: none.
  std::string ca_file{};  ///< PEM; empty: the authorities of the system.
  /// Larger objects go up in parts of this size, and a put holds one part in memory.  S3 itself wants at
  /// least 5 MiB.  Objects of more than 10,000 such parts get larger parts, up to part_bytes_max.
  std::uint64_t part_bytes = 8U << 20;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{60'000};
  retry_policy retries{};
};

inline constexpr std::uint64_t s3_parts_max = 10'000;
inline constexpr std::uint64_t s3_part_bytes_max = 64U << 20;

/// What the driver wants of the world around it.
struct s3_surroundings {
  credentials_fn credentials;
  std::function<std::int64_t()> unix_s;  ///< Wall clock: signatures carry it.
  std::function<std::uint64_t()> dice;
  std::function<void(std::chrono::milliseconds)> pause;  ///< Blocks so long, between retries.
};
[[nodiscard]] s3_surroundings real_surroundings(credentials_fn credentials);

/// The size of the parts of an object, or nothing if it is too large.  Pure.
[[nodiscard]] std::optional<std::uint64_t> part_bytes_for(std::uint64_t size_bytes, std::uint64_t part_bytes);

/// Any thread.  Every object put carries a random mark (x-amz-meta-tabletd-put): a retry of put_if_absent that
/// meets an object looks whether it is its own, made by an attempt whose answer was lost.
///
/// An upload in parts that fails is aborted.  One whose abort fails too stays in the bucket, where nobody sees
/// it and it costs space: give the bucket a rule that aborts incomplete uploads after a day.
class s3_remote_store final : public remote_store {
public:
  /// remote_error(unusable): the configuration cannot be right.  Nothing is asked of the store yet.
  s3_remote_store(s3_config config, s3_surroundings surroundings);

  void put(std::string_view key, const put_source& source, const time_left_fn& time_left) override;
  void put_if_absent(std::string_view key, const put_source& source, const time_left_fn& time_left) override;
  [[nodiscard]] std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> into,
                                const time_left_fn& time_left) override;
  [[nodiscard]] object_entry head(std::string_view key, const time_left_fn& time_left) override;
  [[nodiscard]] object_page list(std::string_view prefix, std::string_view after, std::size_t keys_max,
                                 const time_left_fn& time_left) override;
  void remove(std::string_view key, const time_left_fn& time_left) override;
  [[nodiscard]] const std::string& name() const override { return name_; }

private:
  /// One request, as often as it takes.
  struct call {
    std::string_view doing;
    std::string_view key;  ///< Of the caller, for sentences.
    std::string method;
    std::string path;  ///< Below the bucket, not encoded; empty: the bucket.
    std::map<std::string, std::string> query{};
    std::map<std::string, std::string> headers{};
    std::span<const std::byte> body{};
    std::span<std::byte> sink{};
    long also_good_status = 0;  ///< Beside 2xx.
  };
  struct upload;  // s3_upload.cpp

  [[nodiscard]] s3_reply exchange(const call& wanted, const time_left_fn& time_left);
  [[nodiscard]] s3_reply attempt(const call& wanted, const s3_credentials& credentials, std::chrono::milliseconds left,
                                 const time_left_fn& time_left);
  void rest(std::chrono::milliseconds pause, const call& wanted, const time_left_fn& time_left);
  [[noreturn]] void fail(const call& wanted, const s3_verdict& verdict, int attempts,
                         const s3_credentials& credentials) const;
  [[nodiscard]] std::string full_key(std::string_view key) const;

  void write(std::string_view key, const put_source& source, bool only_if_absent, const time_left_fn& time_left);
  void put_whole(const upload& what, const time_left_fn& time_left);
  void put_parts(const upload& what, const time_left_fn& time_left);
  [[nodiscard]] std::string send_parts(const upload& what, const std::string& upload_id, const time_left_fn& time_left);
  void complete(const upload& what, const std::string& upload_id, const std::string& parts,
                const time_left_fn& time_left);
  void abort(const upload& what, const std::string& upload_id) noexcept;
  [[nodiscard]] bool is_own(const upload& what, const time_left_fn& time_left);

  const s3_config config_;
  const s3_surroundings surroundings_;
  std::string name_;
  std::string host_;
  s3_transport transport_;
};

}  // namespace tabletd
