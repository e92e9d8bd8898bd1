// A process that play can start instead of tabletd: says it is ready, or misbehaves as the
// file <home>/behave tells it.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

int main(int argc, char** argv) {
  std::string config;
  int ready_fd = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view{argv[i]} == "--config")
      config = argv[i + 1];
    if (std::string_view{argv[i]} == "--ready-fd")
      ready_fd = std::atoi(argv[i + 1]);
  }
  const auto home = std::filesystem::path{config}.parent_path();
  std::string how;
  std::ifstream(home / "behave") >> how;
  fmt::print(stderr, "fake node in {} says {}\n", home.string(), how.empty() ? "hello" : how);
  if (how == "die")
    return 7;
  if (how == "silent")
    ::pause();
  if (how == "stubborn")
    ::signal(SIGTERM, SIG_IGN);
  // Whoever inherits a blocked SIGTERM could not be stopped.
  std::ofstream(home / "data" / "endpoints")
    << fmt::format("rpc = \"127.0.0.1:{}\"\nhttp = \"127.0.0.1:81\"\npid = {}\n",
                   10000 + ::getpid() % 10000, ::getpid());
  if (::write(ready_fd, "ready\n", 6) != 6)
    return 8;
  while (true)
    ::pause();
}
