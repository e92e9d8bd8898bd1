// The same writers for etcd: unary gRPC calls of its KV service over HTTP/2, with nghttp2 and a
// Put written by hand (two fields).  Its JSON gateway would cost the server a translation and a
// second call for every write; this is what etcd's own clients send, and it costs the machine less
// than they do.
//
//   etcd_load HOST:PORT... [options of writer_report.h]
#include "bench/writer_report.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace tabletd {
namespace {

/// A follower that has not noticed yet that its leader is gone swallows what it passes on, and answers
/// after 7 s.  Nobody should wait for that, so a writer gives up earlier; spread like its pauses.
constexpr auto patience = std::chrono::milliseconds(200), patience_spread = std::chrono::milliseconds(200);

volatile std::sig_atomic_t is_over = 0;

void add_varint(std::string& to, std::size_t value) {
  for (; value >= 0x80; value >>= 7)
    to += static_cast<char>((value & 0x7f) | 0x80);
  to += static_cast<char>(value);
}

/// etcdserverpb.PutRequest {bytes key = 1; bytes value = 2;} as one gRPC message.
std::string put_request(std::string_view key, std::string_view value) {
  std::string body;
  for (const auto& [tag, text] : {std::pair{'\x0a', key}, std::pair{'\x12', value}}) {
    body += tag;
    add_varint(body, text.size());
    body += text;
  }
  std::string framed(1, '\0');  // Not compressed.
  for (int shift = 24; shift >= 0; shift -= 8)
    framed += static_cast<char>((body.size() >> shift) & 0xff);
  return framed + body;
}

struct writer {
  std::size_t named = 0, unsent = 0;
  std::int32_t stream = 0;  ///< 0: none.
  std::string name, body, status;
  steady::time_point sent, rests_until;
};

/// Writers that share a connection, and get a new one together.
class crowd {
public:
  crowd(const writer_options& options, writer_report& report, std::size_t number, std::size_t writers)
    : options_(options), report_(report), number_(number), value_(options.value_bytes, 'x'), writers_(writers) {}
  crowd(const crowd&) = delete;
  ~crowd() { hang_up(); }

  /// Everything that is due; what to poll for.
  pollfd turn() {
    const auto now = steady::now();
    if (fd_ < 0 && now >= rests_until_)
      dial();
    if (fd_ >= 0)
      for (auto& each : writers_) {
        if (each.stream != 0 && options_.seconds == 0 && now - each.sent > patience_of(each))
          give_up(each);
        if (each.stream == 0 && now >= each.rests_until)
          write(each);
      }
    flush();
    return {fd_, static_cast<short>(unwritten_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
  }

  void take_input() {
    char buffer[64 << 10];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got > 0 && nghttp2_session_mem_recv(session_, reinterpret_cast<std::uint8_t*>(buffer), static_cast<std::size_t>(got)) >= 0)
      return;
    if (got >= 0 || errno != EAGAIN)
      lose("the connection broke");
  }

private:
  [[nodiscard]] std::chrono::milliseconds patience_of(const writer& who) const {
    return patience + patience_spread * (&who - writers_.data()) / static_cast<long>(writers_.size());
  }

  void dial() {
    const auto& where = options_.servers[server_++ % options_.servers.size()];
    const auto colon = where.rfind(':');
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(where.substr(0, colon).c_str(), where.substr(colon + 1).c_str(), &hints, &found) != 0)
      throw std::runtime_error(where + " is no address");
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
    fd_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0 || ::connect(fd_, found->ai_addr, found->ai_addrlen) != 0)
      return lose("nobody listens");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    authority_ = where;
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }

  void hang_up() {
    if (session_)
      nghttp2_session_del(session_);
    if (fd_ >= 0)
      ::close(fd_);
    session_ = nullptr;
    fd_ = -1;
    unwritten_.clear();
  }

  void lose(std::string why) {
    report_.refused(std::move(why));
    hang_up();
    rests_until_ = steady::now() + pauses_.next();
    for (auto& each : writers_)
      each.stream = 0;
  }

  void give_up(writer& each) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, each.stream, NGHTTP2_CANCEL);
    nghttp2_session_set_stream_user_data(session_, each.stream, nullptr);
    report_.refused("no answer");
    rest(each);
  }

  void rest(writer& each) {
    each.stream = 0;
    each.rests_until = steady::now() + pauses_.next();
  }

  void write(writer& each) {
    each.name = fmt::format("{}_{}_{}_{}", options_.prefix, number_, &each - writers_.data(), ++each.named);
    each.body = put_request(each.name, value_);
    each.unsent = 0;
    each.status.clear();
    each.sent = steady::now();
    const auto field = [](std::string_view name, std::string_view value) {
      const auto bytes = [](std::string_view of) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(of.data())); };
      return nghttp2_nv{bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    };
    const nghttp2_nv headers[] = {field(":method", "POST"),         field(":scheme", "http"),
                                  field(":path", "/etcdserverpb.KV/Put"), field(":authority", authority_),
                                  field("content-type", "application/grpc"), field("te", "trailers")};
    nghttp2_data_provider body{{.ptr = &each}, read_body};
    each.stream = nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &body, &each);
    if (each.stream < 0)
      rest(each);
  }

  void flush() {
    while (fd_ >= 0) {
      if (unwritten_.empty()) {
        const std::uint8_t* bytes = nullptr;
        for (ssize_t got = 0; (got = nghttp2_session_mem_send(session_, &bytes)) > 0;)
          unwritten_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(got));
      }
      if (unwritten_.empty())
        return;
      const auto gone = ::send(fd_, unwritten_.data(), unwritten_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (gone < 0)
        return errno == EAGAIN ? void() : lose("the connection broke");
      unwritten_.erase(0, static_cast<std::size_t>(gone));
    }
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto& from = *static_cast<writer*>(source->ptr);
    const auto count = std::min(room, from.body.size() - from.unsent);
    std::memcpy(to, from.body.data() + from.unsent, count);
    from.unsent += count;
    if (from.unsent == from.body.size())
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
    auto* to = static_cast<writer*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (to && std::string_view(reinterpret_cast<const char*>(name), name_size) == "grpc-status")
      to->status.assign(reinterpret_cast<const char*>(value), value_size);
    return 0;
  }

  static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t, void* self) {
    if (auto* who = static_cast<writer*>(nghttp2_session_get_stream_user_data(session, stream)))
      static_cast<crowd*>(self)->answered(*who);
    return 0;
  }

  void answered(writer& who) {
    who.stream = 0;
    if (who.status == "0")
      return report_.acknowledged(who.name, who.sent);
    report_.refused("grpc " + who.status);
    rest(who);
  }

  const writer_options& options_;
  writer_report& report_;
  std::size_t number_;
  std::size_t server_ = 0;  ///< The first is the leader, and passes nothing on.
  std::string value_, authority_, unwritten_;
  std::vector<writer> writers_;
  pauses pauses_;
  steady::time_point rests_until_;
  nghttp2_session* session_ = nullptr;
  int fd_ = -1;
};

void run(const writer_options& options) {
  writer_report report(options);
  std::vector<std::unique_ptr<crowd>> crowds;
  for (std::size_t i = 0; i < options.connections; ++i)
    crowds.push_back(std::make_unique<crowd>(options, report, i,
                                             (options.writers + i) / options.connections));
  const std::chrono::duration<double> span(options.warm_up_s + options.seconds);
  const auto end = steady::now() + std::chrono::duration_cast<steady::duration>(span);
  std::vector<pollfd> waiting(crowds.size());
  while (!is_over && (options.seconds == 0 || steady::now() < end)) {
    for (std::size_t i = 0; i < crowds.size(); ++i)
      waiting[i] = crowds[i]->turn();
    ::poll(waiting.data(), waiting.size(), 5);
    for (std::size_t i = 0; i < crowds.size(); ++i)
      if (waiting[i].fd >= 0 && (waiting[i].revents & (POLLIN | POLLHUP | POLLERR)))
        crowds[i]->take_input();
  }
  report.print();
}

}  // namespace
}  // namespace tabletd

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { tabletd::is_over = 1; });
  try {
    tabletd::run(tabletd::parse_writer_options(argc, argv));
    return 0;
  } catch (const std::exception& why) {
    fmt::print(stderr, "etcd_load: {}\n", why.what());
  }
  return 1;
}
