// One binary: a node in one of two roles, the console (when called tabletctl), a local
// cluster to play with, and the configuration's own documentation.
#include "node/log.h"
#include "node/node_frame.h"
#include "node/play/play.h"
#include "node/roles.h"
#include "node/tabletctl/tabletctl.h"
#include "persistence/storage_error.h"
#include <CLI/CLI.hpp>
#include <kj/exception.h>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

namespace tabletd {

namespace {

struct options {
  std::string role;
  std::string config_file;
  config_overrides overrides;
  int ready_fd = -1;
};

void open_node_log(const std::string& level, const std::string& role, const std::string& name) {
  auto log = log_options_of_process();
  log.least = *parse_log_level(level);
  log.role = role;
  log.node = name;
  open_log(log);
}

int run_node(const options& how) {
  prepare_process();
  if (how.role == "fe") {
    const auto config = load_fe_config(how.config_file, how.overrides);
    open_node_log(config.log_level, how.role, config.name);
    return run_fe(config, how.ready_fd);
  }
  const auto config = load_be_config(how.config_file, how.overrides);
  open_node_log(config.log_level, how.role, config.name);
  return run_be(config, how.ready_fd);
}

/// `config show` and `config check` load like a node does; `config default` is the defaults.
int show_config(const options& how, bool quiet) {
  const auto text = how.role == "fe" ? to_toml(load_fe_config(how.config_file, how.overrides))
                                     : to_toml(load_be_config(how.config_file, how.overrides));
  if (!quiet)
    std::fputs(text.c_str(), stdout);
  return 0;
}

void add_role(CLI::App& app, options& to) {
  app.add_option("--role", to.role, "What this node is")->check(CLI::IsMember({"fe", "be"}))->required();
}
void add_sources(CLI::App& app, options& to) {
  app.add_option("--config", to.config_file, "TOML file")->type_name("FILE");
  app.add_option("--set", to.overrides.assignments, "section.key=value, over the file; repeatable")->take_all()->expected(1);
}

int run(int argc, char** argv) {
  CLI::App app{"Coordinates storage made of tablets: fe nodes decide, be nodes hold replicas.", "tabletd"};
  app.set_version_flag("--version", fmt::format("tabletd {}", node_version));
  options how;
  how.overrides.environment = tabletd_environment();
  app.add_option("--role", how.role, "Run a node: fe or be")->check(CLI::IsMember({"fe", "be"}));
  add_sources(app, how);
  app.add_option("--ready-fd", how.ready_fd, "Descriptor that gets one line when the node serves");

  auto* config = app.add_subcommand("config", "Document and check configuration files");
  config->require_subcommand(1);
  auto* defaults = config->add_subcommand("default", "Print every key with its default and meaning");
  add_role(*defaults, how);
  auto* check = config->add_subcommand("check", "Say what is wrong with a file; silent if nothing is");
  auto* show = config->add_subcommand("show", "Print what a node would run with");
  for (auto* one : {check, show}) {
    add_role(*one, how);
    add_sources(*one, how);
  }
  play::play_options play_how;
  auto* play_command = play::add_play_command(app, play_how);
  auto* ctl = app.add_subcommand("ctl", "The console; the same as calling the binary tabletctl");
  ctl->prefix_command();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*play_command)
    return play::run_play(play_how);
  if (*defaults)
    how = {.role = how.role, .config_file = {}, .overrides = {}, .ready_fd = -1};
  if (*defaults || *check || *show)
    return show_config(how, static_cast<bool>(*check));
  if (how.role.empty()) {
    std::fputs("tabletd: say --role fe or --role be, or `tabletd play` for a local cluster; --help lists the rest\n", stderr);
    return 2;
  }
  return run_node(how);
}

} // namespace

} // namespace tabletd

int main(int argc, char** argv) {
  using namespace tabletd;
  try {
    if (std::filesystem::path(argv[0]).filename() == "tabletctl")
      return ctl::run_tabletctl(argc, argv);
    if (argc > 1 && std::string_view(argv[1]) == "ctl")
      return ctl::run_tabletctl(argc - 1, argv + 1);
    return run(argc, argv);
  } catch (const config_error& why) {
    std::fprintf(stderr, "tabletd: %s\n", why.what());
    return 2;
  } catch (const std::exception& why) {
    log_error("cannot start", {{"why", std::string(why.what())}});
  } catch (const kj::Exception& why) {
    log_error("cannot start", {{"why", std::string(why.getDescription().cStr())}});
  }
  return 1;
}
