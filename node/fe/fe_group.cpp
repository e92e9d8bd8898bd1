// See fe_group.h.
#include "node/fe/fe_group.h"

#include "actors/journal/libraft_core.h"
#include "node/config.h"
#include "node/log.h"
#include "node/loop_call.h"
#include "persistence/durable_file.h"
#include "persistence/identity_file.h"

#include <fmt/format.h>
#include <kj/exception.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <utility>

namespace tabletd {

namespace {

constexpr const char* birth_name = "birth";      ///< Of this directory.
constexpr const char* founded_name = "founded";  ///< "1" once there is a log.
constexpr std::string_view peer_prefix = "fe";   ///< fe<id>: the birth of that member's directory.

template <class Number>
std::optional<Number> number_of(std::string_view text, int base) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::string names_of(const std::vector<peer_view>& peers) {
  std::string text;
  for (const auto& peer : peers)
    if (!peer.face)
      text += fmt::format("{}fe {} at {}", text.empty() ? "" : ", ", peer.node, peer.address);
  return text;
}

}  // namespace

fe_group::fe_group(fe_group_options options) : options_(std::move(options)) {
  log_ = open_sqlite_edit_log(options_.log_directory, {});
  self_.cluster = options_.cluster_name;
  self_.node = options_.node;
  self_.founders = options_.founders;
  read_identity_file();
  self_.joins = options_.joins && !self_.is_founded;
  // A group that has a log may be of any size for a while, and its files may say so.
  const auto count = self_.founders.size();
  if (!self_.is_founded && !self_.joins && count != 1 && count != 3 && count != 5)
    throw config_error(fmt::format("node.frontends names {} fe, and a group is founded by 1, 3 or 5; name so many, or set "
                                   "node.join = true if there is a group", count));
}

fe_group::~fe_group() { stop_founding(); }

void fe_group::read_identity_file() {
  const auto lines = read_identity(identity_path()).value_or(identity{});
  for (const auto& [name, value] : lines) {
    if (name == birth_name)
      self_.birth = number_of<std::uint64_t>(value, 16).value_or(0);
    else if (name.starts_with(peer_prefix))
      if (const auto node = number_of<model::node_id>(std::string_view(name).substr(peer_prefix.size()), 10))
        self_.known.emplace(*node, number_of<std::uint64_t>(value, 16).value_or(0));
  }
  const bool was_founded = lines.contains(founded_name);
  self_.is_founded = log_->last_index() > 0;
  if (was_founded && !self_.is_founded)
    throw storage_error(storage_fault::corrupt, log_->path(),
                        fmt::format("this node belongs to a group already but {} is empty, so that file was lost; put "
                                    "it back, or let the node join under a new node.id",
                                    log_->path()));
  if (self_.birth == 0)
    self_.birth = random_number();
  self_.known.insert_or_assign(self_.node, self_.birth);
  write_identity_file(self_);
}

void fe_group::write_identity_file(const model::greeting& self) const {
  identity lines{{birth_name, hex(self.birth)}};
  if (self.is_founded)
    lines.emplace(founded_name, "1");
  for (const auto& [node, birth] : self.known)
    if (node != self.node)
      lines.emplace(fmt::format("{}{}", peer_prefix, node), hex(birth));
  if (read_identity(identity_path()) != lines)
    write_identity_durably(identity_path(), lines);
}

peer_link_options fe_group::link_options(fe_face face) {
  peer_link_options options;
  options.self = self_;
  options.face = std::move(face);
  options.listen = options_.listen;
  options.applied = [stats = stats_] { return stats->applied_index.load(); };
  options.memory = memory_;
  options.window_bytes = [limits = options_.limits](std::size_t peers) { return memory_of(limits, peers).window_bytes; };
  options.keep = [this](const model::greeting& self) { write_identity_file(self); };
  options.on_fatal = options_.on_fatal;
  options.checkpoint = options_.checkpoint;
  options.wall_clock = options_.wall_clock;
  options.all_met = [this] {
    const std::lock_guard guard{mutex_};
    has_met_ = true;
    met_or_stopping_.notify_all();
  };
  return options;
}

/// Who has a log says what it says of the members with its first greeting: a node that is none must not be
/// judged by a configuration.
void fe_group::start(kj_loop& loop, kj::Network& network, fe_face face, std::function<void(opened_journal)> begin) {
  if (!has_port())
    return begin(open());
  const auto made = std::make_shared<peer_links>(link_options(std::move(face)));
  {
    const std::lock_guard guard{mutex_};
    links_ = made;
  }
  const auto listen = [this, made, &loop, &network] {
    call_in_loop(loop, [&] { return made->start(loop, network, members()); });
    const std::lock_guard guard{mutex_};
    are_linked_ = true;
  };
  const auto take_part = [made, begin = std::move(begin)](opened_journal opened) {
    const auto inbox = opened.inbox;
    begin(std::move(opened));
    made->open(inbox);
  };
  if (!self_.is_founded) {
    listen();
    founding_ = std::thread([this, take_part] { found_when_met([&] { take_part(open()); }); });
    return;
  }
  auto opened = open();
  warn_of_strangers();
  listen();
  take_part(std::move(opened));
}

/// Whoever adds a line to the file expects something of it.
void fe_group::warn_of_strangers() const {
  const auto group = members().newest.members;
  std::string strangers;
  for (const auto& each : options_.founders)
    if (std::ranges::find(group, each.id, &model::member::id) == group.end())
      strangers += fmt::format("{}{}@{}", strangers.empty() ? "" : ", ", each.id, each.address);
  if (!strangers.empty())
    log_warn("node.frontends names front ends that are no members of the group; start one with node.join = true and "
             "an empty directory, then ALTER SYSTEM ADD FOLLOWER takes it in",
             {{"strangers", strangers}});
}

/// All founders must be up once, for the first time: then nobody can be mistaken for a new one.  Or
/// the group must say that it has taken this node in.
void fe_group::found_when_met(const std::function<void()>& take_part) {
  constexpr auto say_again_after = std::chrono::seconds(5);
  {
    const auto links = this->links();
    std::unique_lock guard{mutex_};
    while (!has_met_ && !is_stopping_) {
      if (met_or_stopping_.wait_for(guard, say_again_after) == std::cv_status::timeout && !has_met_)
        log_info(self_.joins ? "waits until the group takes it in" : "waits for the other founders of the group",
                 {{"missing", names_of(links->peers())}});
    }
    if (is_stopping_)
      return;
  }
  try {
    take_part();
  } catch (const std::exception& error) {
    options_.on_fatal(error.what());
  }
}

opened_journal fe_group::open() {
  libraft_options raft;
  raft.self = options_.node;
  raft.seed = std::random_device{}();
  journal_parts parts;
  parts.log = log_;
  parts.core = std::make_shared<libraft_core>(raft);
  if (!self_.joins)
    parts.founders = options_.founders;
  parts.members = [this](const group_news& members) { note_members(members); };
  parts.from = options_.start_from(*log_);
  parts.images = options_.images;
  parts.limits = options_.limits;
  parts.stats = stats_;
  parts.memory = memory_;
  parts.on_fatal = options_.on_fatal;
  if (const auto links = this->links()) {
    parts.post = [links](raft_mail mail) { links->post(std::move(mail)); };
    parts.takes = [links](model::node_id peer) { return links->takes(peer); };
  }
  return open_journal(std::move(parts));
}

void fe_group::post(const model::checkpoint_mail& mail) const {
  if (const auto links = this->links())
    links->post(mail);
}

std::shared_ptr<peer_links> fe_group::links() const {
  const std::lock_guard guard{mutex_};
  return links_;
}

std::vector<peer_view> fe_group::peers() const {
  const auto links = this->links();
  return links ? links->peers() : std::vector<peer_view>{};
}

std::vector<peer_applicant> fe_group::applicants() const {
  const auto links = this->links();
  return links ? links->applicants() : std::vector<peer_applicant>{};
}

std::string fe_group::exclusion() const {
  const auto links = this->links();
  return links ? links->exclusion() : std::string();
}

std::string fe_group::why_not_to_add(const model::member& one) const {
  const auto links = this->links();
  return links ? links->why_not_to_add(one) : std::string();
}

group_news fe_group::members() const {
  const std::lock_guard guard{mutex_};
  return members_;
}

std::string fe_group::address() const {
  const auto own = std::ranges::find(options_.founders, options_.node, &model::member::id);
  return has_port() && own != options_.founders.end() ? own->address : std::string();
}

void fe_group::note_members(const group_news& members) {
  std::shared_ptr<peer_links> links;
  {
    const std::lock_guard guard{mutex_};
    members_ = members;
    links = are_linked_ ? links_ : nullptr;
  }
  if (links)
    links->set_members(members);
}

void fe_group::stop_founding() {
  {
    const std::lock_guard guard{mutex_};
    is_stopping_ = true;
    met_or_stopping_.notify_all();
  }
  if (founding_.joinable())
    founding_.join();
}

void fe_group::stop(kj_loop& loop) {
  stop_founding();
  std::shared_ptr<peer_links> links;
  {
    const std::lock_guard guard{mutex_};
    links = std::exchange(links_, nullptr);
  }
  if (!links)
    return;
  call_in_loop(loop, [links]() -> kj::Promise<void> {
    links->stop();
    return kj::READY_NOW;
  });
}

}  // namespace tabletd
