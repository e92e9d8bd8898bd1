// See libraft_membership.h.
#include "actors/journal/libraft_membership.h"

#include "actors/journal/raft_shim.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>

namespace tabletd {

using namespace model;

namespace {

/// Reads the library's format: a version, the number of members, and of each the id, the
/// address with a zero behind it, and the role.  Integers are little-endian.
class membership_reader {
public:
  explicit membership_reader(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::uint64_t> number(std::size_t bytes) {
    if (rest_.size() < bytes)
      return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(bytes);
    return value;
  }
  std::optional<std::string> text() {
    const auto end = rest_.find('\0');
    if (end == std::string_view::npos)
      return std::nullopt;
    std::string value(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return value;
  }

private:
  std::string_view rest_;
};

/// The library has no room for what a member is beside address and role, so it stands behind the
/// address: "host:port#<birth, hexadecimal>", then + if it wants to vote and - if it leaves.  Founders have only an address.
constexpr char more = '#', wish = '+', leave = '-';

std::string written_address(const member& of) {
  if (of.birth == 0 && !of.wants_vote && !of.leaves)
    return of.address;
  char digits[16];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), of.birth, 16).ptr;
  auto text = of.address + more + std::string(digits, end);
  if (of.wants_vote)
    text += wish;
  if (of.leaves)
    text += leave;
  return text;
}

bool read_address(std::string text, member& into) {
  const auto at = text.find(more);
  into.address = text.substr(0, at);
  if (at == std::string::npos)
    return true;
  const auto takes = [&text](char mark) {
    const bool there = text.back() == mark;
    if (there)
      text.pop_back();
    return there;
  };
  into.leaves = takes(leave);
  into.wants_vote = takes(wish);
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + at + 1, last, into.birth, 16);
  return error == std::errc{} && end == last;
}

constexpr std::uint64_t format = 1;
constexpr std::uint64_t role_voter = 1, role_max = 2;

bool repeats(const std::vector<member>& members, const member& with) {
  return std::ranges::any_of(members,
                             [&](const member& other) { return other.id == with.id || other.address == with.address; });
}

const member* find(const std::vector<member>& members, node_id id) {
  const auto found = std::ranges::find(members, id, &member::id);
  return found == members.end() ? nullptr : &*found;
}

bool makes_sense(const std::vector<member>& members) {
  std::vector<member> seen;
  for (const auto& each : members) {
    if (each.id == 0 || each.address.empty() || repeats(seen, each)
        || each.address.find_first_of(std::string{'\0', more}) != std::string::npos)
      return false;
    seen.push_back(each);
  }
  return std::ranges::any_of(members, &member::voter);
}

}  // namespace

std::string encode_membership(const std::vector<member>& members) {
  const std::unique_ptr<raft_shim_membership, void (*)(raft_shim_membership*)> group(raft_shim_membership_create(),
                                                                                     raft_shim_membership_destroy);
  if (!group)
    throw std::bad_alloc{};
  for (const auto& each : members)
    if (const int code = raft_shim_membership_add(group.get(), each.id, written_address(each).c_str(), each.voter);
        code != 0 || each.id == 0)
      throw std::invalid_argument("member " + std::to_string(each.id) + " at " + each.address
                                  + " cannot be in the group: "
                                  + (each.id == 0 ? "0 is no id" : raft_shim_error(code)));
  void* bytes = nullptr;
  std::size_t size = 0;
  if (raft_shim_membership_encode(group.get(), &bytes, &size) != 0)
    throw std::bad_alloc{};
  std::string encoded(static_cast<const char*>(bytes), size);
  raft_shim_free(bytes);
  return encoded;
}

std::optional<std::vector<member>> decode_membership(std::string_view bytes) {
  membership_reader from(bytes);
  if (from.number(1) != format)
    return std::nullopt;
  const auto count = from.number(8);
  if (!count || *count == 0 || *count > bytes.size())
    return std::nullopt;
  std::vector<member> members;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto id = from.number(8);
    auto address = from.text();
    const auto role = from.number(1);
    if (!role || *role > role_max || *id == 0)
      return std::nullopt;
    member each{.id = *id, .address = {}, .voter = *role == role_voter};
    if (!read_address(std::move(*address), each) || repeats(members, each))
      return std::nullopt;
    members.push_back(std::move(each));
  }
  return members;
}

bool is_voter(const std::vector<member>& members, node_id id) {
  const auto* found = find(members, id);
  return found && found->voter;
}

bool is_sole_voter(const std::vector<member>& members, node_id id) {
  return is_voter(members, id) && std::ranges::count(members, true, &member::voter) == 1;
}

single_change plan_change(const std::vector<member>& present, const std::vector<member>& wanted) {
  if (!makes_sense(wanted))
    return {{}, 0, 0, consensus_refusal::not_a_membership};
  single_change plan;
  int differences = 0;
  for (const auto& old : present) {
    const auto* now = find(wanted, old.id);
    differences += !now ? 1 : now->birth != old.birth ? 2 : *now != old;  // Another directory is another member.
    if (old.voter && !(now && now->voter))
      plan.deposed = old.id;
    if (!now)
      continue;
    if (now->voter && !old.voter)
      plan.promoted = old.id;
    plan.members.push_back(*now);
  }
  for (const auto& each : wanted) {
    if (find(present, each.id))
      continue;
    differences += each.voter ? 2 : 1;  // Who would vote at once may hold up every commit until it has the log.
    plan.members.push_back(each);
  }
  if (differences != 1)
    plan.why = consensus_refusal::not_single;
  else if (plan.deposed != 0 && find(wanted, plan.deposed) && std::ranges::count(present, true, &member::voter) == 2)
    plan.why = consensus_refusal::would_strand;
  return plan;
}

}  // namespace tabletd
