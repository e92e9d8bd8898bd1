#pragma once
// A real front end and real backends in one process, over loopback TCP with real files; the
// test is the console.  Nothing sleeps: the test waits for answers.
#include "node/fe/fe_node.h"
#include "schemas/console.capnp.h"
#include "tests/node_be/be_world.h"

namespace tabletd::test {

/// One front end in its own loop.
class front_end {
public:
  front_end(caf::actor_system& sys, fe_options options);
  ~front_end() { stop(); }
  void stop();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] fe_node& node() { return *node_; }

private:
  kj::Network* network_ = nullptr;
  kj_loop_ptr loop_;
  std::unique_ptr<fe_node> node_;
  std::uint16_t port_ = 0;
};

/// What a client gets, so that it can be compared.
struct told {
  api::ErrorCode code = api::ErrorCode::UNSPECIFIED; ///< UNSPECIFIED: it went well.
  std::string message;
  std::vector<std::string> warnings;
  bool outcome_unknown = false;
  [[nodiscard]] bool ok() const { return code == api::ErrorCode::UNSPECIFIED; }
};
std::ostream& operator<<(std::ostream& out, const told& what);

enum class authority { viewer, admin };

/// The console's end of one connection.
class console {
public:
  console(kj::AsyncIoContext& io, const std::string& host, std::uint16_t port);
  /// Returns when a session is open, or the login was refused.
  told login(authority as = authority::admin);
  told run(const std::string& statement);
  [[nodiscard]] api::Upload::Client begin_load(const std::string& table);
  [[nodiscard]] api::Download::Client begin_export(const std::string& table);
  [[nodiscard]] std::uint32_t backends_alive();
  /// The leader's address as clients are told it.
  [[nodiscard]] std::string leader();
  [[nodiscard]] std::vector<std::string> group();

  static kj::Promise<told> write(api::Upload::Client& to, std::uint64_t offset, const std::string& chunk);
  static kj::Promise<told> finish(api::Upload::Client& to);
  static kj::Promise<told> read(api::Download::Client& from, std::string& into);
  template <class T>
  T wait(kj::Promise<T>&& promise) {
    return promise.wait(io_.waitScope);
  }

private:
  [[nodiscard]] capnp::Response<api::Execution::ResultResults> execute(const std::string& statement);

  kj::AsyncIoContext& io_;
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<capnp::TwoPartyClient> client_;
  kj::Own<api::Gateway::Client> gateway_;
  kj::Own<api::Viewer::Client> viewer_;
  kj::Own<api::Session::Client> session_;
};

struct fe_world : be_world {
  /// Beats fast: a silent backend is dead after some hundred milliseconds.
  [[nodiscard]] fe_options front_end_options();
  /// A backend that no cluster owns yet, with one path `name`.
  [[nodiscard]] be_options backend_options(const std::string& name);
  /// Adds the backends that listen at `ports` and waits until each can take tablets.
  void add_backends(front_end& fe, console& by, const std::vector<std::uint16_t>& ports);
  /// Looks every now and then: for what announces itself to nobody outside, like an image or a shorter log.
  void wait_until(const char* what, const std::function<bool()>& holds) {
    for (int looks = 0; !holds(); ++looks) {
      ASSERT_LT(looks, 1'000) << what;
      io.provider->getTimer().afterDelay(10 * kj::MILLISECONDS).wait(io.waitScope);
    }
  }
};

} // namespace tabletd::test
