#include "node/http_host.h"
#include "node/kj_text.h"
#include "node/log.h"
#include "node/loop_call.h"
#include <fmt/format.h>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace tabletd {

namespace {

/// One thread that makes texts; whoever asks waits in the loop.
class text_maker {
public:
  explicit text_maker(kj_loop_ptr loop, std::function<std::string()> make)
    : loop_(std::move(loop)), make_(std::move(make)), thread_([this] { run(); }) {}
  ~text_maker() {
    {
      const std::lock_guard lock{mutex_};
      open_ = false;
    }
    wanted_.notify_one();
    thread_.join();
  }
  text_maker(const text_maker&) = delete;

  kj::Promise<std::string> ask() {
    auto paf = kj::newPromiseAndFulfiller<std::string>();
    detail::answer_slot<std::string> slot{
      loop_, loop_->keep(std::make_unique<detail::pending_answer<std::string>>(kj::mv(paf.fulfiller)))};
    {
      const std::lock_guard lock{mutex_};
      waiting_.push_back(std::move(slot));
    }
    wanted_.notify_one();
    return kj::mv(paf.promise);
  }

private:
  void run() {
    std::unique_lock lock{mutex_};
    for (;;) {
      wanted_.wait(lock, [this] { return !open_ || !waiting_.empty(); });
      if (!open_)
        return;
      const auto batch = std::exchange(waiting_, {}); // One text answers everybody who waits.
      lock.unlock();
      auto text = make_();
      for (const auto& slot : batch)
        slot.settle([text](kj::PromiseFulfiller<std::string>& to) mutable { to.fulfill(kj::mv(text)); });
      lock.lock();
    }
  }
  kj_loop_ptr loop_;
  std::function<std::string()> make_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<detail::answer_slot<std::string>> waiting_;
  bool open_ = true;
  std::thread thread_; // Last: it uses all of the above.
};

struct answer {
  kj::uint status = 200;
  kj::StringPtr reason = "OK";
  kj::StringPtr type = "text/plain; charset=utf-8";
  std::string body;
  bool retry_later = false;
};

class pages final : public kj::HttpService {
public:
  pages(const kj::HttpHeaderTable& table, kj::HttpHeaderId retry_after, http_sources sources, text_maker& maker)
    : table_(table), retry_after_(retry_after), sources_(std::move(sources)), maker_(maker) {}

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders&, kj::AsyncInputStream&,
                            Response& response) override {
    const std::string_view target{url.begin(), url.size()};
    const auto path = target.substr(0, target.find('?'));
    const auto handler = path == "/metrics" || path == "/healthz" || path == "/readyz" ? path.substr(1) : "status";
    if (handler == "status")
      return send(response, handler, {404, "Not Found", "text/plain; charset=utf-8",
                                      "not found; there are /metrics, /healthz and /readyz\n", false}, method);
    if (method != kj::HttpMethod::GET && method != kj::HttpMethod::HEAD)
      return send(response, handler, {405, "Method Not Allowed", "text/plain; charset=utf-8", "only GET and HEAD\n", false}, method);
    if (handler == "healthz")
      return send(response, handler, {200, "OK", "text/plain; charset=utf-8", "ok\n", false}, method);
    if (handler == "readyz")
      return send(response, handler, readiness(), method);
    return maker_.ask().then([this, &response, handler, method](std::string text) {
      return send(response, handler, {200, "OK", "text/plain; version=0.0.4; charset=utf-8", std::move(text), false}, method);
    });
  }

private:
  answer readiness() const {
    bool ready = true;
    std::string list;
    for (const auto& check : sources_.readiness()) {
      ready = ready && check.ok;
      list += fmt::format("{}{{\"name\":{},\"ok\":{},\"detail\":{}}}", list.empty() ? "" : ",", json_string(check.name), check.ok,
                          json_string(check.detail));
    }
    const auto body = fmt::format("{{\"ready\":{},\"checks\":[{}]}}\n", ready, list);
    if (ready)
      return {200, "OK", "application/json", body, false};
    return {503, "Service Unavailable", "application/json", body, true};
  }

  kj::Promise<void> send(Response& response, std::string_view handler, answer what, kj::HttpMethod method) {
    sources_.answered(handler, what.status < 300 ? "2xx" : what.status < 500 ? "4xx" : "5xx");
    kj::HttpHeaders headers(table_);
    headers.set(kj::HttpHeaderId::CONTENT_TYPE, what.type);
    if (what.retry_later)
      headers.set(retry_after_, "1");
    auto body = kj::heapString(what.body.c_str(), what.body.size());
    auto stream = response.send(what.status, what.reason, headers, body.size());
    if (method == kj::HttpMethod::HEAD)
      return kj::READY_NOW;
    auto written = stream->write(body.begin(), body.size());
    return written.attach(kj::mv(stream), kj::mv(body));
  }

  const kj::HttpHeaderTable& table_;
  kj::HttpHeaderId retry_after_;
  http_sources sources_;
  text_maker& maker_;
};

} // namespace

struct http_host::loop_side {
  loop_side(const kj_loop_ptr& loop, http_sources sources) : maker(loop, sources.metrics) {
    kj::HttpHeaderTable::Builder builder;
    const auto retry_after = builder.add("Retry-After");
    table = builder.build();
    service = kj::heap<pages>(*table, retry_after, std::move(sources), maker);
    server = kj::heap<kj::HttpServer>(loop->timer(), *table, *service);
  }
  text_maker maker;
  kj::Own<kj::HttpHeaderTable> table;
  kj::Own<pages> service;
  kj::Own<kj::HttpServer> server;
  kj::Own<kj::ConnectionReceiver> receiver;
  kj::Promise<void> listening = nullptr;
};

http_host::http_host(kj_loop_ptr loop, kj::Network& network, const std::string& listen, http_sources sources)
  : loop_(std::move(loop)) {
  call_in_loop(*loop_, [this, &network, &listen, &sources] {
    side_ = std::make_shared<loop_side>(loop_, std::move(sources));
    return network.parseAddress(listen.c_str()).then([this](kj::Own<kj::NetworkAddress>&& address) {
      side_->receiver = address->listen();
      port_ = static_cast<std::uint16_t>(side_->receiver->getPort());
      side_->listening = side_->server->listenHttp(*side_->receiver).eagerlyEvaluate([](kj::Exception&& why) {
        log_error("the HTTP port stopped", {{"why", text_of(why)}});
      });
    });
  });
}

http_host::~http_host() {
  call_in_loop(*loop_, [this]() -> kj::Promise<void> {
    side_ = nullptr;
    return kj::READY_NOW;
  });
}

} // namespace tabletd
