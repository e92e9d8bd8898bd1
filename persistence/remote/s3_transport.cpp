// See s3_transport.h.
#include "persistence/remote/s3_transport.h"

#include "persistence/remote/remote_key.h"

#include <cctype>
#include <cstring>
#include <curl/curl.h>
#include <memory>
#include <new>

namespace tabletd {

/// A handle for one request.
class s3_transport::lease {
public:
  explicit lease(s3_transport& owner) : owner_(owner) {
    const std::lock_guard locked(owner.mutex_);
    if (!owner.idle_.empty()) {
      handle_ = owner.idle_.back();
      owner.idle_.pop_back();
    } else {
      handle_ = ::curl_easy_init();
    }
    if (!handle_)
      throw std::bad_alloc();
  }
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;
  ~lease() {
    ::curl_easy_reset(handle_);  // Keeps its connections, forgets the request.
    const std::lock_guard locked(owner_.mutex_);
    owner_.idle_.push_back(handle_);
  }
  [[nodiscard]] CURL* get() const { return handle_; }

private:
  s3_transport& owner_;
  CURL* handle_ = nullptr;
};

s3_transport::s3_transport(std::string ca_file, std::chrono::milliseconds connect_timeout)
    : ca_file_(std::move(ca_file)), connect_timeout_(connect_timeout) {
  static const CURLcode ready = ::curl_global_init(CURL_GLOBAL_DEFAULT);  // Once, whichever thread is first.
  if (ready != CURLE_OK)
    throw remote_error(remote_fault::unusable, "", "libcurl cannot be used; check which of its versions is installed");
}

s3_transport::~s3_transport() {
  for (auto* handle : idle_)
    ::curl_easy_cleanup(handle);
}

namespace {

/// What the callbacks of one request see.
struct exchange {
  CURL* handle;
  const s3_request& request;
  const time_left_fn& time_left;
  s3_reply& reply;
  std::exception_ptr thrown{};  ///< By time_left: libcurl is C.
};

std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* context) {
  auto& [handle, request, time_left, reply, thrown] = *static_cast<exchange*>(context);
  long status = 0;
  ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (!request.sink.empty() && status >= 200 && status < 300) {
    if (size > request.sink.size() - reply.sink_bytes) {
      reply.transport = transport_fault::overflow;
      return 0;
    }
    std::memcpy(request.sink.data() + reply.sink_bytes, bytes, size);
    reply.sink_bytes += size;
    return size;
  }
  if (size > s3_transport::body_bytes_max - reply.body.size()) {
    reply.transport = transport_fault::overflow;
    return 0;
  }
  reply.body.append(bytes, size);
  return size;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* context) {
  auto& reply = static_cast<exchange*>(context)->reply;
  std::string_view line(bytes, size);
  if (line.starts_with("HTTP/"))
    reply.headers.clear();  // Those before belonged to "100 Continue".
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return size;
  std::string name(line.substr(0, colon));
  for (char& letter : name)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  auto value = line.substr(colon + 1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())))
    value.remove_prefix(1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())))
    value.remove_suffix(1);
  reply.headers.insert_or_assign(std::move(name), std::string(value));
  return size;
}

int on_progress(void* context, ::curl_off_t, ::curl_off_t, ::curl_off_t, ::curl_off_t) {
  auto& [handle, request, time_left, reply, thrown] = *static_cast<exchange*>(context);
  try {
    return time_left() <= std::chrono::milliseconds::zero() ? 1 : 0;
  } catch (...) {
    thrown = std::current_exception();
    return 1;
  }
}

transport_fault fault_of(CURLcode code, const s3_reply& reply) {
  if (reply.transport == transport_fault::overflow)
    return transport_fault::overflow;
  switch (code) {
    case CURLE_OK:
      return transport_fault::none;
    case CURLE_ABORTED_BY_CALLBACK:
      return transport_fault::called_off;
    case CURLE_OPERATION_TIMEDOUT:
      return transport_fault::timed_out;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return transport_fault::untrusted;
    default:
      return transport_fault::broken;
  }
}

using header_list = std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)>;

header_list headers_of(const s3_request& request) {
  header_list list(nullptr, ::curl_slist_free_all);
  const auto add = [&](const std::string& line) {
    curl_slist* longer = ::curl_slist_append(list.get(), line.c_str());
    if (!longer)
      throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers)
    add(name + ": " + value);
  add("expect:");  // Empty, so none: a store that does not answer it would cost a second.
  add("accept:");
  if (request.method == "PUT" || request.method == "POST")
    add("content-type: application/octet-stream");
  return list;
}

void describe(CURL* handle, exchange& whole, const curl_slist* headers, char* error_text) {
  const auto& request = whole.request;
  ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);  // Threads: no SIGALRM for name look-ups.
  ::curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  ::curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  ::curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(handle, CURLOPT_PROXY, "");
  ::curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  ::curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  ::curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  if (request.method == "HEAD")
    ::curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (request.method == "PUT" || request.method == "POST") {
    // Not copied.  An empty body still needs a pointer, or libcurl waits for a read callback.
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<::curl_off_t>(request.body.size()));
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                       request.body.empty() ? "" : reinterpret_cast<const char*>(request.body.data()));
  }
  ::curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(handle, CURLOPT_WRITEDATA, &whole);
  ::curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(handle, CURLOPT_HEADERDATA, &whole);
  ::curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  ::curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  ::curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &whole);
  ::curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text);
}

}  // namespace

s3_reply s3_transport::perform(const s3_request& request, const time_left_fn& time_left) {
  const lease borrowed(*this);
  s3_reply reply;
  exchange whole{borrowed.get(), request, time_left, reply};
  const auto headers = headers_of(request);
  char error_text[CURL_ERROR_SIZE] = "";
  describe(borrowed.get(), whole, headers.get(), error_text);
  ::curl_easy_setopt(borrowed.get(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout_.count()));
  if (!ca_file_.empty()) {
    ::curl_easy_setopt(borrowed.get(), CURLOPT_CAINFO, ca_file_.c_str());
    ::curl_easy_setopt(borrowed.get(), CURLOPT_CAPATH, nullptr);  // This authority, no others.
  }
  const CURLcode code = ::curl_easy_perform(borrowed.get());
  if (whole.thrown)
    std::rethrow_exception(whole.thrown);
  reply.transport = fault_of(code, reply);
  ::curl_off_t until_connected_us = 0;
  ::curl_easy_getinfo(borrowed.get(), CURLINFO_PRETRANSFER_TIME_T, &until_connected_us);
  if (reply.transport == transport_fault::timed_out && until_connected_us == 0 && connect_timeout_ < request.timeout)
    reply.transport = transport_fault::broken;  // Nobody let us in; the request's own time is not over.
  if (reply.transport != transport_fault::none)
    reply.transport_text = printable(error_text[0] ? error_text : ::curl_easy_strerror(code));
  ::curl_easy_getinfo(borrowed.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  if (const auto date = ::curl_getdate(std::string(reply.header("date")).c_str(), nullptr); date >= 0)
    reply.date_unix_s = date;
  return reply;
}

}  // namespace tabletd
