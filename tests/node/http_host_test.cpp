// The HTTP port over a real socket: pages, codes, and that a slow metrics text holds nobody.
#include "node/http_host.h"
#include "node/loop_call.h"
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tabletd {

namespace {

/// Raw requests over a blocking socket.
class visitor {
public:
  explicit visitor(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<::sockaddr*>(&to), sizeof to), 0);
  }
  ~visitor() { ::close(fd_); }
  visitor(const visitor&) = delete;

  void send(const std::string& method, const std::string& target) {
    const auto request = fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n\r\n", method, target);
    EXPECT_EQ(::write(fd_, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  }
  /// One answer: the head, and as much body as it promises.
  std::string receive(bool has_body = true) {
    std::string all;
    for (char byte = 0; !all.ends_with("\r\n\r\n") && ::read(fd_, &byte, 1) == 1;)
      all += byte;
    const std::string_view field = "Content-Length: ";
    const auto at = all.find(field);
    const auto size = at == std::string::npos || !has_body ? 0 : std::stoul(all.substr(at + field.size()));
    const auto head = all.size();
    all.resize(head + size);
    for (std::size_t got = 0; got < size;) {
      const auto n = ::read(fd_, all.data() + head + got, size - got);
      if (n <= 0)
        break;
      got += static_cast<std::size_t>(n);
    }
    return all;
  }

private:
  int fd_;
};

struct HttpHostTest : ::testing::Test {
  kj::Network* network = nullptr;
  kj_loop_ptr loop = kj_loop::start([this](kj::AsyncIoContext& io, kj_loop&) {
    network = &io.provider->getNetwork();
    return std::shared_ptr<void>{};
  });
  std::vector<readiness_check> checks{{"journal", true, ""}};
  std::function<std::string()> metrics = [] { return std::string("a 1\n"); };
  std::vector<std::string> counted; ///< Loop thread, read after the answer came.
  std::unique_ptr<http_host> host = std::make_unique<http_host>(
    loop, *network, "127.0.0.1:0",
    http_sources{[this] { return checks; }, [this] { return metrics(); },
                 [this](std::string_view handler, std::string_view code) { counted.push_back(fmt::format("{} {}", handler, code)); }});

  std::string ask(const std::string& target, const std::string& method = "GET") {
    visitor v{host->port()};
    v.send(method, target);
    return v.receive(method != "HEAD");
  }
  static std::string status(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
  static std::string body(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

  void TearDown() override {
    host = nullptr;
    loop->stop();
  }
};

TEST_F(HttpHostTest, HealthIsWhetherTheLoopTurns) {
  const auto answer = ask("/healthz");
  EXPECT_EQ(status(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(body(answer), "ok\n");
  EXPECT_EQ(counted, std::vector<std::string>{"healthz 2xx"});
}

TEST_F(HttpHostTest, MetricsComeAsExpositionText) {
  const auto answer = ask("/metrics");
  EXPECT_EQ(status(answer), "HTTP/1.1 200 OK");
  EXPECT_NE(answer.find("text/plain; version=0.0.4"), std::string::npos);
  EXPECT_EQ(body(answer), "a 1\n");
}

TEST_F(HttpHostTest, ReadinessNamesEveryCheck) {
  EXPECT_EQ(status(ask("/readyz")), "HTTP/1.1 200 OK");
  checks.push_back({"path /d\"0\"", false, "it is full"});
  const auto answer = ask("/readyz?verbose");
  EXPECT_EQ(status(answer), "HTTP/1.1 503 Service Unavailable");
  EXPECT_NE(answer.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(body(answer), R"({"ready":false,"checks":[{"name":"journal","ok":true,"detail":""},)"
                          R"({"name":"path /d\"0\"","ok":false,"detail":"it is full"}]})"
                          "\n");
  EXPECT_EQ(counted, (std::vector<std::string>{"readyz 2xx", "readyz 5xx"}));
}

TEST_F(HttpHostTest, OtherPagesAndMethodsAreRefused) {
  EXPECT_EQ(status(ask("/")), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status(ask("/metricsx")), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status(ask("/metrics", "DELETE")), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(body(ask("/healthz", "HEAD")), "");
  EXPECT_EQ(counted, (std::vector<std::string>{"status 4xx", "status 4xx", "metrics 4xx", "healthz 2xx"}));
}

TEST_F(HttpHostTest, ASlowMetricsTextHoldsNobodyElse) {
  std::promise<void> asked, released;
  metrics = [&] {
    asked.set_value();
    released.get_future().get();
    return std::string("late 1\n");
  };
  visitor patient{host->port()};
  patient.send("GET", "/metrics");
  asked.get_future().get();
  EXPECT_EQ(status(ask("/healthz")), "HTTP/1.1 200 OK");
  EXPECT_FALSE(loop->in_loop());
  released.set_value();
  EXPECT_EQ(body(patient.receive()), "late 1\n");
}

TEST_F(HttpHostTest, AVisitorWhoLeavesWhileTheTextIsMadeLeavesNothingBehind) {
  std::promise<void> asked, released;
  bool first = true;
  metrics = [&] {
    if (std::exchange(first, false)) {
      asked.set_value();
      released.get_future().get();
    }
    return std::string("x 1\n");
  };
  {
    visitor leaves{host->port()};
    leaves.send("GET", "/metrics");
    asked.get_future().get();
  }
  released.set_value();
  EXPECT_EQ(body(ask("/metrics")), "x 1\n");
  std::promise<std::size_t> kept;
  ASSERT_TRUE(loop->post([&] { kept.set_value(loop->kept()); }));
  EXPECT_EQ(kept.get_future().get(), 0U);
}

TEST_F(HttpHostTest, ATakenPortIsAnError) {
  EXPECT_THROW(http_host(loop, *network, fmt::format("127.0.0.1:{}", host->port()), {}), kj::Exception);
}

} // namespace

} // namespace tabletd
