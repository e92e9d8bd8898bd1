// See consensus_simulation.h.
#include "tests/journal/consensus_simulation.h"

namespace tabletd::test {

namespace {

constexpr int heal_rounds_max = 6'000;  ///< Five minutes: one entry at a time takes long.

std::string address_of(model::node_id id) { return "fe" + std::to_string(id); }

}  // namespace

simulation_counts& simulation_counts::operator+=(const simulation_counts& other) {
  acknowledged += other.acknowledged;
  crashes += other.crashes;
  images_installed += other.images_installed;
  changes += other.changes;
  transfers += other.transfers;
  terms += other.terms;
  reads += other.reads;
  return *this;
}

simulation_options options_for(std::uint64_t seed) {
  simulation_options options;
  options.voters = seed % 3 == 0 ? 5 : 3;
  options.changes = seed % 2 == 0;
  options.nodes = options.voters + (options.changes ? 2 : 0);
  options.images = seed % 4 >= 2;
  options.transfers = seed % 5 >= 2;
  options.fifo = seed % 7 >= 3;
  options.events = 8'000;
  return options;
}

simulation::simulation(std::uint64_t seed, simulation_options options)
    : options_(options), rng_(seed), nodes_(options.nodes) {
  std::vector<model::member> founders;
  for (model::node_id id = 1; id <= options.voters; ++id)
    founders.push_back({id, address_of(id)});
  const auto founding = libraft_core({.self = 1}).founding_entry(founders);
  // Sometimes the last founder joins with an empty disk and learns even the founding entry.
  const bool last_is_empty = dice(4) == 0;
  for (model::node_id id = 1; id <= nodes_.size(); ++id) {
    auto& which = at(id);
    which.host = std::make_unique<consensus_host>(
        libraft_options{.self = id,
                        .seed = static_cast<std::uint32_t>(rng_()),
                        .inflight_entries_max = static_cast<std::uint32_t>(1 + dice(64))},
        options.broken_promise);
    if (id < options.voters || (id == options.voters && !last_is_empty)) {
      which.host->disk.ballot = {1, 0};
      which.host->disk.log = {{founding, ""}};
    }
    start(which, true);
  }
}

std::string simulation::run() {
  for (std::size_t i = 0; i < options_.events && failure_.empty(); ++i)
    something_happens();
  if (failure_.empty())
    heal();
  counts_.acknowledged = acknowledged_.size();
  counts_.terms = leaders_.size();
  for (const auto& each : nodes_)
    counts_.images_installed += each.host->installed;
  return failure_;
}

void simulation::fail(const std::string& what) {
  if (failure_.empty())
    failure_ = what;
}

void simulation::start(node& which, bool first) {
  which.mine.clear();
  which.reads.clear();
  which.seen = 0;
  which.host->start(which.now, first ? 0 : dice(which.host->pending_writes() + 1));
  after(which);
}

/// After every step of a node: post its mail, compare what it has with the truth.
void simulation::after(node& which) {
  auto& host = *which.host;
  if (!host.broken.empty())
    return fail(host.broken);
  for (auto& mail : host.outbox)
    if (mail.to <= nodes_.size())
      links_[{mail.from, mail.to}].push_back(std::move(mail));
  host.outbox.clear();
  if (host.leads() && leaders_.emplace(host.last.term, host.id()).first->second != host.id())
    return fail("two leaders in term " + std::to_string(host.last.term));
  watch_entries(which);
  watch_reads(which);
  if (which.seen > host.applied.size())
    return fail("an image takes back what was applied");
  for (; which.seen < host.applied.size(); ++which.seen) {
    const auto& command = host.applied[which.seen];
    if (which.seen == truth_.size())
      truth_.push_back(command);
    if (truth_[which.seen] != command)
      return fail("member histories differ at " + std::to_string(which.seen));
    if (which.mine.erase(command) != 0)
      acknowledged_.insert(command);
  }
}

/// Log matching: an index and a term name one entry, wherever it is logged.
void simulation::watch_entries(const node& which) {
  if (!which.host->last.entries)
    return;
  auto index = which.host->last.entries->first;
  for (const auto& entry : which.host->entries_from(index)) {
    const auto& known = entries_.try_emplace({index, entry.header.term}, entry.payload).first->second;
    if (known != entry.payload)
      return fail("two entries " + std::to_string(index) + " of term " + std::to_string(entry.header.term));
    ++index;
  }
}

/// Also of who does not lead, or does no longer: it must not be answered.
void simulation::read(node& which) {
  which.reads.emplace(++next_ticket_, applied_anywhere_);
  which.host->read(next_ticket_, which.now);
  after(which);
}

/// What was applied anywhere before a read was asked for, whoever reads must have.
void simulation::watch_reads(node& which) {
  auto& host = *which.host;
  applied_anywhere_ = std::max(applied_anywhere_, host.applied_upto());
  const auto confirmed = std::exchange(host.confirmed, {});
  if (!confirmed)
    return;
  const auto answered = which.reads.upper_bound(confirmed->ticket);
  for (auto read = which.reads.begin(); read != answered; ++read, ++counts_.reads)
    if (confirmed->index < read->second)
      return fail("a read at " + std::to_string(confirmed->index) + " misses entry " + std::to_string(read->second));
  which.reads.erase(which.reads.begin(), answered);
}

void simulation::propose(node& which) {
  std::vector<std::string> commands;
  for (std::uint64_t i = 0; i <= dice(3); ++i)
    commands.push_back("c" + std::to_string(next_command_++));
  if (which.host->propose(commands, which.now))
    which.mine.insert(commands.begin(), commands.end());
  after(which);
}

/// Something from any link that has something.
void simulation::deliver() {
  if (links_.empty())
    return;
  auto link = std::next(links_.begin(), static_cast<std::ptrdiff_t>(dice(links_.size())));
  for (std::size_t i = 0; link->second.empty() && i < links_.size(); ++i)
    if (++link == links_.end())
      link = links_.begin();
  if (link->second.empty())
    return;
  const bool odd = !options_.fifo && dice(10) == 0;
  const auto place = odd ? dice(link->second.size()) : 0;
  deliver(link->first, place, odd && dice(2) == 0, dice(25) == 0);
}

void simulation::deliver(way along, std::size_t place, bool again, bool lost) {
  auto& queue = links_[along];
  const auto mail = queue[place];
  if (!again)
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(place));
  if (lost || cut_.contains(along)) {
    lossy_.insert(along);
    return;
  }
  auto& to = at(along.second);
  to.host->receive(mail, to.now);
  after(to);
}

void simulation::pass_time(node& which, std::uint64_t ms) {
  which.now += model::time_ms(ms);
  which.host->tick(which.now);
  after(which);
}

void simulation::write(node& which) {
  which.host->complete_write(which.now);
  after(which);
}

/// A sender learns sooner or later that its link lost something.
void simulation::notice_loss(way along) {
  if (lossy_.erase(along) == 0)
    return;
  auto& from = at(along.first);
  from.host->lose_link(along.second, from.now);
  after(from);
}

void simulation::isolate(model::node_id who, bool cut) {
  for (model::node_id other = 1; other <= nodes_.size(); ++other)
    for (auto along : {way{who, other}, way{other, who}}) {
      if (cut)
        cut_.insert(along);
      else
        cut_.erase(along);
    }
}

/// One member is added, promoted, demoted, moved or removed.
void simulation::change_something(node& leader) {
  auto members = leader.host->core().members();
  const auto who = 1 + dice(nodes_.size());
  const auto found = std::ranges::find(members, who, &model::member::id);
  if (found == members.end())
    members.push_back({who, address_of(who), false});
  else if (const auto what = dice(8); what == 0)
    found->address += "'";
  else if (what < 3)
    members.erase(found);
  else
    found->voter = !found->voter || what < 4;
  if (leader.host->change(members, leader.now) == model::consensus_refusal::none)
    ++counts_.changes;
  after(leader);
}

void simulation::hand_over(node& leader) {
  if (leader.host->transfer(dice(2) == 0 ? 0 : 1 + dice(nodes_.size()), leader.now))
    ++counts_.transfers;
  after(leader);
}

void simulation::something_happens() {
  const auto what = dice(1'000);
  if (what < 450)
    deliver();
  else if (what < 650)
    write(any());
  else if (what < 820)
    pass_time(any(), 20 + dice(180));
  else if (what < 920)
    propose(any());
  else if (what < 940)
    read(any());
  else
    something_rare_happens(what);
}

void simulation::something_rare_happens(std::uint64_t what) {
  auto& which = any();
  if (what < 945) {
    ++counts_.crashes;
    start(which, false);
  } else if (what < 953) {
    isolate(which.host->id(), dice(2) == 0);
  } else if (what < 957) {
    cut_.clear();
  } else if (what < 959) {
    pass_time(which, 1'500);
  } else if (what < 961) {
    which.host->lose_peer(which.host->last.leader, which.now);  // Perhaps wrongly.
    after(which);
  } else if (what < 970) {
    if (options_.images) {
      which.host->take_snapshot(dice(12), which.now);
      after(which);
    }
  } else if (what < 976) {
    which.host->finish_fetching(dice(4) != 0, which.now);
    after(which);
  } else if (what < 984) {
    if (options_.changes && which.host->leads())
      change_something(which);
  } else if (what < 987) {
    if (options_.transfers && which.host->leads())
      hand_over(which);
  } else {
    notice_loss({which.host->id(), 1 + dice(nodes_.size())});
  }
}

void simulation::heal_round() {
  for (auto& each : nodes_) {
    pass_time(each, 50);
    each.host->complete_writes(each.now);
    each.host->finish_fetching(true, each.now);
    after(each);
  }
  for (model::node_id from = 1; from <= nodes_.size(); ++from)
    for (model::node_id to = 1; to <= nodes_.size(); ++to)
      while (failure_.empty() && !links_[{from, to}].empty())
        deliver({from, to}, 0, false, false);
}

/// Everything works again: the members must converge without a client's help, and what was
/// acknowledged must be there.
void simulation::heal() {
  cut_.clear();
  for (model::node_id from = 1; from <= nodes_.size(); ++from)
    for (model::node_id to = 1; to <= nodes_.size(); ++to)
      notice_loss({from, to});
  for (int round = 0; round < heal_rounds_max && !converged() && failure_.empty(); ++round)
    heal_round();
  if (failure_.empty() && !converged())
    fail("the members do not converge: " + describe());
  const std::set<std::string> kept(truth_.begin(), truth_.end());
  if (kept.size() != truth_.size())
    fail("a command was applied twice");
  for (const auto& command : acknowledged_)
    if (!kept.contains(command))
      fail(command + " was acknowledged and lost");
}

const consensus_host* simulation::leader() const {
  const consensus_host* newest = nullptr;
  for (const auto& each : nodes_)
    if (each.host->leads() && (!newest || each.host->last.term > newest->last.term))
      newest = each.host.get();
  return newest;
}

bool simulation::converged() const {
  const auto* leads = leader();
  if (!leads || leads->applied != truth_)
    return false;
  const auto members = leads->core().members();
  return std::ranges::all_of(nodes_, [&](const node& each) {
    const auto& host = *each.host;
    return std::ranges::find(members, host.id(), &model::member::id) == members.end()
           || (host.applied == truth_ && host.last.committed_upto == leads->last.committed_upto);
  });
}

std::string simulation::describe() const {
  std::string text = std::to_string(truth_.size()) + " applied";
  for (const auto& each : nodes_) {
    const auto& host = *each.host;
    text += "; " + std::to_string(host.id()) + (host.leads() ? " leads" : "") + " term "
            + std::to_string(host.last.term) + " log " + std::to_string(host.last_index()) + " committed "
            + std::to_string(host.last.committed_upto) + " voters";
    for (const auto& member : host.core().members())
      if (member.voter)
        text += " " + std::to_string(member.id);
  }
  return text;
}

}  // namespace tabletd::test
