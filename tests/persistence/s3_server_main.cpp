// The S3 store of the tests as a process, for stories that need one: scripts/smoke cooldown and warmup.
//
// Says on the first line where it is and whom it trusts, as JSON.  Then takes one command a line:
//   refuse N    the next N requests are answered 503       hang_up N   the next N connections end without an answer
//   sizes       answers one line of JSON, key to bytes     requests    answers how many requests came
//   reads       answers how many of them asked for an object
// The end of its input ends it.
#include "s3_server.h"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

namespace {

/// Listings and writes do not.
bool asks_for_object(const std::string& request) {
  return (request.starts_with("GET ") || request.starts_with("HEAD ")) && request.find('?') == std::string::npos;
}

}  // namespace

int main() {
  using namespace tabletd::test;
  s3_server server;
  const auto who = s3_server::credentials();
  std::cout << R"({"endpoint": ")" << server.endpoint() << R"(", "bucket": ")" << s3_server::bucket << R"(", "access_key": ")"
            << who.access_key_id << R"(", "secret_key": ")" << who.secret_access_key << R"(", "session_token": ")" << who.session_token
            << "\"}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    int times = 0;
    words >> command >> times;
    if (command == "refuse") {
      server.trouble_ahead("", {}, times);
    } else if (command == "hang_up") {
      server.trouble_ahead("", {.what = s3_trouble::kind::hang_up}, times);
    } else if (command == "sizes") {
      std::cout << "{";
      const char* comma = "";
      for (const auto& [key, bytes] : server.sizes())
        std::cout << std::exchange(comma, ", ") << '"' << key << "\": " << bytes;
      std::cout << "}" << std::endl;
    } else if (command == "requests") {
      std::cout << server.requests().size() << std::endl;
    } else if (command == "reads") {
      const auto all = server.requests();
      std::cout << std::count_if(all.begin(), all.end(), asks_for_object) << std::endl;
    } else {
      std::cerr << "unknown command: " << line << std::endl;
      return 2;
    }
  }
}
