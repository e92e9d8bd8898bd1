#pragma once
// Three journals as a group, and one that may join it, in a frozen world: the whole host (door, keeper,
// delivery).  The network is a queue per direction, and does what the links do about members that are gone.
#include "actors/model/peer_greeting.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/journal/fake_catalog.h"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

namespace tabletd::test {

using namespace std::chrono_literals;
using failure = wire::EditOutcome::Failure;

inline constexpr model::node_id founders = 3, members = 4;

struct watcher_state {};
inline standing_listener_actor::behavior_type watcher(standing_listener_actor::stateful_pointer<watcher_state>, standing* to) {
  return {[to](const standing& now) { *to = now; }};
}

struct answer {
  failure why{};
  std::uint64_t index{};
};

struct JournalGroup : actor_world {
  struct member {
    std::shared_ptr<memory_log> log = std::make_shared<memory_log>();
    journal_stats_ptr stats;
    memory_stats_ptr memory;
    std::shared_ptr<next_transaction> inbox;
    group_journal_actor journal;
    fake_catalog_log folded;
    fake_catalog_shell catalog;
    standing_listener_actor watch;
    standing now;
    logged_members group;
    model::greeting known;  ///< What the links tell others of the group.
    std::string fatal;
    std::map<std::uint64_t, std::vector<std::string>> images;  ///< On its disk: what was folded up to then.
    std::optional<model::image_to_install> wanted;
    std::size_t installed = 0;
  };
  std::array<member, members> all;
  std::map<std::pair<model::node_id, model::node_id>, std::deque<raft_mail>> links;
  std::set<std::pair<model::node_id, model::node_id>> cut;
  model::time_ms time{1'000};
  std::map<std::string, answer> answers;
  std::map<std::size_t, group_outcome> outcomes;
  std::size_t orders = 0;
  std::vector<caf::actor> proposers;
  std::size_t most_mails = 0;  ///< Requests with entries, to one member.
  std::size_t most_bytes = 0;  ///< Of one message.
  journal_limits limits;

  ~JournalGroup() override {
    for (model::node_id who = 1; who <= members; ++who)
      stop(who);
    for (auto& each : proposers)
      urgent_exit(each, caf::exit_reason::user_shutdown);
    settle();
  }

  member& at(model::node_id who) { return all.at(who - 1); }

  void start(model::node_id who) {
    auto& m = at(who);
    auto parts = parts_over(m.log);
    parts.core = std::make_shared<libraft_core>(libraft_options{.self = who, .seed = static_cast<std::uint32_t>(who)});
    parts.founders.clear();
    for (model::node_id founder = 1; who <= founders && founder <= founders; ++founder)
      parts.founders.push_back(member_of(founder));
    m.known = {};
    parts.members = [&m](const group_news& now) {
      m.group = now.newest;
      static_cast<void>(model::learn_members(m.known, now.newest.members, now.settled.members, now.settled.index));
    };
    parts.now = [this] { return time; };
    parts.limits = limits;
    parts.post = [this, who](raft_mail mail) {
      const auto to = mail.peer;
      most_bytes = std::max(most_bytes, static_cast<std::size_t>(bytes_of(mail)));
      mail.peer = who;
      links[{who, to}].push_back(std::move(mail));
    };
    parts.on_fatal = [&m](const std::string& why) { m.fatal = why; };
    for (const auto& point : m.log->points)
      if (m.images.contains(point.index))
        parts.from.image = {point.index, 0, 0};
    const auto begins_at = parts.from.image.id;
    parts.images.wanted = [&m](const model::image_to_install& what) { m.wanted = what; };
    parts.images.over = [this, who](std::uint64_t restarted_at) {
      if (restarted_at != 0)
        reload(who, restarted_at - 1);
    };
    m.stats = parts.stats;
    m.memory = parts.memory;
    auto opened = open_journal(std::move(parts));
    m.inbox = opened.inbox;
    m.journal = sys.spawn(tabletd::journal, std::move(opened));
    m.catalog = sys.spawn(fake_catalog, &m.folded);
    m.watch = sys.spawn(watcher, &m.now);
    caf::anon_send(m.journal, watch_standing{}, m.watch);
    begin_catalog(m, begins_at);
    settle();
  }
  /// From the image of entry `image`; 0: from nothing.
  void begin_catalog(member& m, std::uint64_t image) {
    m.folded = {};
    if (image != 0)
      m.folded.folded = m.images.at(image);
    m.folded.next = image + 1;
    caf::anon_send(m.journal, replay_from{image + 1}, caf::actor_cast<catalog_sink_actor>(m.catalog));
  }
  void reload(model::node_id who, std::uint64_t image) {
    begin_catalog(at(who), image);
    ++at(who).installed;
    reloaded(who);
  }
  virtual void reloaded(model::node_id) {}
  /// Of what its catalog has folded; the two newest are kept.
  void make_image(model::node_id who) {
    auto& m = at(who);
    const auto id = m.folded.folded.size();
    if (id == 0 || m.images.contains(id) || (!m.images.empty() && id < m.images.rbegin()->first))
      return;
    m.images.emplace(id, m.folded.folded);
    keep_two(m);
    say(who, image_kept{{id, 0, 0}, m.images.size() == 2 ? m.images.begin()->first : 0});
    settle();
  }
  static void keep_two(member& m) {
    while (m.images.size() > 2)
      m.images.erase(m.images.begin());
  }
  /// What a leader offered arrives, or does not.
  void fetch(model::node_id who, bool is_lost) {
    auto& m = at(who);
    if (!m.wanted)
      return;
    const auto what = *std::exchange(m.wanted, std::nullopt);
    const auto& there = at(what.from).images;
    const bool is_there = !is_lost && there.contains(what.upto.index);
    if (is_there) {
      m.images = {{what.upto.index, there.at(what.upto.index)}};
    }
    say(who, install_ended{what.upto, what.image, is_there});
    settle();
  }
  void stop(model::node_id who) {
    auto& m = at(who);
    urgent_exit(m.journal, caf::exit_reason::user_shutdown);
    urgent_exit(m.catalog, caf::exit_reason::user_shutdown);
    urgent_exit(m.watch, caf::exit_reason::user_shutdown);
    m.journal = nullptr;
    m.catalog = nullptr;
    m.watch = nullptr;
    settle();
    m.inbox = nullptr;
    m.now = {};
    for (auto& [link, mails] : links)
      if (link.first == who || link.second == who)
        mails.clear();
  }
  void start_all() {
    for (model::node_id who = 1; who <= founders; ++who)
      start(who);
  }
  /// False: there is nothing that could arrive.
  bool deliver(model::node_id from, model::node_id to) {
    auto& queue = links[{from, to}];
    if (queue.empty())
      return false;
    auto mail = std::move(queue.front());
    queue.pop_front();
    if (!cut.contains({from, to}) && are_linked(from, to))
      say(to, std::move(mail));
    settle();
    return true;
  }
  /// The links take mail of whom the newer of the two memberships counts.
  bool are_linked(model::node_id one, model::node_id other) {
    auto a = at(one).known, b = at(other).known;
    a.node = one;
    b.node = other;
    a.birth = birth_of(one);
    b.birth = birth_of(other);
    a.is_founded = b.is_founded = true;
    a.known = b.known = {};
    return model::meet(a, b).ok();
  }
  static std::uint64_t birth_of(model::node_id who) { return 0xb0 + who; }
  static const model::member* find(const std::vector<model::member>& group, model::node_id who) {
    const auto found = std::ranges::find(group, who, &model::member::id);
    return found == group.end() ? nullptr : &*found;
  }
  /// To a member that runs.
  void say(model::node_id to, peer_word word) {
    if (at(to).inbox)
      static_cast<void>(at(to).inbox->add(std::move(word)));  // Full or not: the links would wait.
  }
  void deliver_all() {
    for (bool any = true; any;) {
      any = false;
      for (model::node_id from = 1; from <= members; ++from)
        for (model::node_id to = 1; to <= members; ++to)
          any |= deliver(from, to);
    }
  }
  void pass_time(model::time_ms span) {
    time += span;
    pass(span);
  }
  void run(model::time_ms span) {
    for (; span > model::time_ms{}; span -= 20ms) {
      pass_time(20ms);
      deliver_all();
      for (model::node_id who = 1; who <= members; ++who)
        fetch(who, false);
    }
  }
  void set_cut(model::node_id who, bool is_cut) {
    for (model::node_id other = 1; other <= members; ++other)
      for (const auto& way : {std::pair{who, other}, std::pair{other, who}}) {
        if (is_cut) {
          cut.insert(way);
          links[way].clear();
        } else if (cut.erase(way) > 0) {
          say(way.first, link_renewed{way.second});
        }
      }
    settle();
  }
  model::node_id leader() const {
    model::node_id found = 0;
    std::uint64_t term = 0;
    for (model::node_id who = 1; who <= members; ++who)
      if (const auto& now = all[who - 1].now; now.leads && now.term > term) {
        found = who;
        term = now.term;
      }
    return found;
  }
  model::node_id elect() {
    for (int round = 0; round < 200 && leader() == 0; ++round)
      run(100ms);
    EXPECT_NE(leader(), 0U) << "nobody leads";
    return leader();
  }
  void propose(model::node_id who, const std::string& name) {
    proposers.push_back(caf::actor_cast<caf::actor>(sys.spawn([this, who, name](caf::event_based_actor* self) {
      self->request(at(who).journal, caf::infinite, edit_named(name))
          .then([this, name](const edit_outcome& outcome) {
            EXPECT_FALSE(answers.contains(name)) << "answered twice";
            answers[name] = {outcome.get().getFailure(), outcome.get().getIndex()};
          });
    })));
    settle();
  }
  /// Of a change_members or hand_over; the number of the order is where it is answered.
  template <class Order>
  std::size_t order(model::node_id who, Order wanted) {
    const auto number = orders++;
    proposers.push_back(caf::actor_cast<caf::actor>(sys.spawn([this, who, wanted, number](caf::event_based_actor* self) {
      self->request(at(who).journal, caf::infinite, wanted)
          .then([this, number](const group_outcome& outcome) {
            EXPECT_FALSE(outcomes.contains(number)) << "answered twice";
            outcomes[number] = outcome;
          });
    })));
    settle();
    return number;
  }
  /// Asks before a read; nothing: it is not answered yet.
  std::shared_ptr<std::optional<leading_confirmed>> ask_whether_leads(model::node_id who) {
    auto got = std::make_shared<std::optional<leading_confirmed>>();
    proposers.push_back(caf::actor_cast<caf::actor>(sys.spawn([this, who, got](caf::event_based_actor* self) {
      self->request(at(who).journal, caf::infinite, confirm_leading{}).then([got](const leading_confirmed& is) { *got = is; });
    })));
    settle();
    return got;
  }
  static model::member member_of(model::node_id who) { return {.id = who, .address = "fe" + std::to_string(who) + ":9010"}; }
  bool is_member(model::node_id by, model::node_id who) { return find(at(by).group.members, who) != nullptr; }
  /// What `who` knows, with `one` as given instead of what it was.
  std::vector<model::member> group_with(model::node_id who, const model::member& one) {
    auto group = group_without(who, one.id);
    group.push_back(one);
    std::ranges::sort(group, {}, &model::member::id);
    return group;
  }
  std::vector<model::member> group_without(model::node_id who, model::node_id gone) {
    auto group = at(who).group.members;
    std::erase_if(group, [gone](const model::member& each) { return each.id == gone; });
    return group;
  }
  std::vector<std::string> edits(model::node_id who) {
    std::vector<std::string> names;
    for (const auto& name : at(who).folded.folded)
      if (name != "internal")
        names.push_back(name);
    return names;
  }
};

}  // namespace tabletd::test
