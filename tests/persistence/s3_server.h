#pragma once
// An S3 store in the process of a test: checks every signature and payload, keeps objects in memory, knows parts,
// ranges, pages and conditional create, and fails or hangs up when told to.
#include "persistence/remote/sigv4.h"

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tabletd::test {

struct s3_trouble {
  enum class kind {
    answer,       ///< With `status` and `code`, and do nothing.
    hang_up,      ///< Before anything is done.
    forget,       ///< Do it, and hang up instead of answering.
    half_answer,  ///< Do it, and hang up in the middle of the body.
    late_error,   ///< Answer 200 with an error inside, and do nothing.
    no_answer,    ///< Do nothing until the client has gone away.
  };
  kind what = kind::answer;
  int status = 503;
  std::string code = "SlowDown";
  std::string message = "Please reduce your request rate.";
  std::string headers{};  ///< Whole lines.
};

class s3_server {
public:
  static constexpr std::string_view bucket = "cold";

  s3_server();
  ~s3_server();
  s3_server(const s3_server&) = delete;
  s3_server& operator=(const s3_server&) = delete;

  [[nodiscard]] std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] static s3_credentials credentials() {
    return {"AKIDTEST0001", "secret/of+the=test", "token/of+the=test"};
  }

  /// The next `times` requests whose "METHOD path?query" contains `what_contains` get this.
  void trouble_ahead(std::string what_contains, s3_trouble trouble, int times = 1);
  /// As stores without conditional writes do.
  void ignore_conditions() { ignores_conditions_ = true; }
  void put_behind_the_back(std::string key, std::string bytes);
  /// "METHOD path?query" of all that came.
  [[nodiscard]] std::vector<std::string> requests() const;
  [[nodiscard]] std::size_t unfinished_uploads() const;
  /// By key, the sizes of all objects.
  [[nodiscard]] std::map<std::string, std::size_t> sizes() const;
  [[nodiscard]] std::size_t largest_body_bytes() const;

private:
  struct request {
    std::string method, path, query_text;
    std::map<std::string, std::string> query, headers;
    std::string body;
    [[nodiscard]] std::string line() const {
      return method + " " + path + (query_text.empty() ? "" : "?" + query_text);
    }
    [[nodiscard]] std::string header(const std::string& name) const;
  };
  struct answer {
    int status = 200;
    std::string headers{}, body{};
    std::uint64_t head_length = 0;
  };
  struct object {
    std::string bytes, mark;
  };
  struct upload {
    std::string key, mark;
    std::map<int, std::string> parts;
  };
  struct planned {
    std::string what_contains;
    s3_trouble trouble;
    int times;
  };

  void accept_all();
  void serve(int connection);
  [[nodiscard]] bool answer_one(int connection, const request& wanted);
  [[nodiscard]] std::optional<s3_trouble> trouble_for(const request& wanted);
  [[nodiscard]] static std::optional<answer> refusal(const request& wanted);
  [[nodiscard]] answer carry_out(const request& wanted);
  [[nodiscard]] answer on_put(const request& wanted, const std::string& key);
  [[nodiscard]] answer on_get(const request& wanted, const std::string& key) const;
  [[nodiscard]] answer on_post(const request& wanted, const std::string& key);
  [[nodiscard]] answer on_delete(const request& wanted, const std::string& key);
  [[nodiscard]] answer on_list(const request& wanted) const;

  int listener_ = -1;
  std::uint16_t port_ = 0;
  bool ignores_conditions_ = false;  ///< Set before the first request.
  mutable std::mutex mutex_;
  std::map<std::string, object> objects_;
  std::map<std::string, upload> uploads_;
  int uploads_begun_ = 0;
  std::deque<planned> planned_;
  std::vector<std::string> requests_;
  std::size_t largest_body_bytes_ = 0;
  std::list<int> connections_;
  std::list<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace tabletd::test
