#include "actors/model/cooldown_sets.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace tabletd::model {

namespace {

std::string hex16(std::uint64_t value) {
  std::string text(16, '0');
  for (auto place = text.rbegin(); value != 0; ++place, value >>= 4)
    *place = "0123456789abcdef"[value & 15];
  return text;
}

std::string text_of(std::uint64_t value) { return std::to_string(value); }

/// Decimal, nothing else around it.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

bool is_nonce(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_version_range(std::string_view text) {
  const auto dash = text.find('-');
  return dash != std::string_view::npos && number_in(text.substr(0, dash)) && number_in(text.substr(dash + 1));
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto dot = text.find('.');
    parts.push_back(text.substr(0, dot));
    if (dot == std::string_view::npos)
      return parts;
    text.remove_prefix(dot + 1);
  }
}

set_refused refuse(set_refusal kind, std::string why) { return {kind, std::move(why)}; }

/// Where the rowsets both have at the front end.
std::size_t common_front(const std::vector<remote_rowset>& a, const std::vector<remote_rowset>& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// A local rowset that lies on both sides of `end`.
const hot_rowset* straddles(const std::vector<hot_rowset>& hot, version end) {
  const auto found = std::ranges::find_if(
      hot, [&](const hot_rowset& rowset) { return rowset.first_version <= end && rowset.last_version > end; });
  return found == hot.end() ? nullptr : &*found;
}

std::vector<hot_rowset> upto(const std::vector<hot_rowset>& hot, version end) {
  std::vector<hot_rowset> chosen;
  std::ranges::copy_if(hot, std::back_inserter(chosen), [&](const auto& rowset) { return rowset.last_version <= end; });
  return chosen;
}

/// The change to `remote`, without local rowsets.
set_change change_to(const replica_disk& own, remote_meta_id id, const std::vector<remote_rowset>& remote) {
  set_change change;
  change.from = own.id;
  change.to = id;
  change.remote = remote;
  change.kept = common_front(own.remote, remote);
  change.remote_dropped.assign(own.remote.begin() + static_cast<std::ptrdiff_t>(change.kept), own.remote.end());
  return change;
}

}  // namespace

version last_version_of(const std::vector<remote_rowset>& rowsets) {
  return rowsets.empty() ? version_initial : rowsets.back().last_version;
}

std::string segment_object(const object_writer& writer, version first, version last) {
  return text_of(raw(writer.replica)) + "." + text_of(writer.term) + "." + hex16(writer.nonce) + "." + text_of(first)
         + "-" + text_of(last) + ".seg";
}

std::string meta_object(const object_writer& writer, std::uint64_t seq) {
  return text_of(raw(writer.replica)) + "." + text_of(writer.term) + "." + text_of(seq) + "." + hex16(writer.nonce)
         + ".meta";
}

std::optional<model::term> term_in_name(std::string_view object) {
  const auto parts = parts_of(object);
  if (parts.size() != 5 || !number_in(parts[0]))
    return std::nullopt;
  const bool segment = parts[4] == "seg" && is_nonce(parts[2]) && is_version_range(parts[3]);
  const bool meta = parts[4] == "meta" && number_in(parts[2]) && is_nonce(parts[3]);
  return segment || meta ? number_in(parts[1]) : std::nullopt;
}

std::string defect_of(const remote_meta& meta, tablet_id tablet, const published_meta& published) {
  const auto what = "object " + published.object;
  if (meta.tablet != tablet)
    return what + " is of tablet " + text_of(raw(meta.tablet)) + ", not " + text_of(raw(tablet));
  if (meta.id != published.id)
    return what + " has meta id " + text_of(meta.id.term) + "." + text_of(meta.id.seq) + ", published was "
           + text_of(published.id.term) + "." + text_of(published.id.seq);
  if (meta.resource != published.resource)
    return what + " is of resource " + text_of(raw(meta.resource)) + ", not " + text_of(raw(published.resource));
  auto last = version_initial;
  for (const auto& rowset : meta.rowsets) {
    if (rowset.first_version != last + 1 || rowset.last_version < rowset.first_version)
      return what + " lists versions " + text_of(rowset.first_version) + "-" + text_of(rowset.last_version)
             + " behind version " + text_of(last);
    if (rowset.object.empty() != (rowset.blocks == 0))
      return what + " has for versions " + text_of(rowset.first_version) + "-" + text_of(rowset.last_version)
             + (rowset.object.empty() ? " blocks but no object" : " an object without blocks");
    last = rowset.last_version;
  }
  if (last != published.last_version)
    return what + " ends at version " + text_of(last) + ", published was " + text_of(published.last_version);
  return {};
}

set_plan plan_follow(const replica_disk& own, const remote_meta& meta) {
  if (meta.id == own.id)
    return refuse(set_refusal::nothing_new, "this is the set the replica has");
  if (meta.id < own.id)
    return refuse(set_refusal::would_go_back, "the meta to follow is older than the replica's own");
  const auto end = last_version_of(meta.rowsets);
  if (const auto own_end = last_version_of(own.remote); own_end > end)
    return refuse(set_refusal::would_go_back, "the replica's cooled version " + text_of(own_end)
                                                  + " is larger than that to follow, " + text_of(end));
  const auto ends_there = [&](const auto& rowset) { return rowset.last_version == end; };
  if (end != version_initial && std::ranges::none_of(own.hot, ends_there)
      && std::ranges::none_of(own.remote, ends_there))
    return refuse(set_refusal::not_aligned,
                  "no rowset here is aligned with version " + text_of(end) + ", where the published ones end");
  auto change = change_to(own, meta.id, meta.rowsets);
  change.hot_dropped = upto(own.hot, end);
  return change;
}

set_change plan_home(const replica_disk& own, remote_meta_id recalled) {
  auto change = change_to(own, recalled, {});
  for (const auto& r : own.remote)
    change.hot_added.push_back({r.txn, r.first_version, r.last_version, r.rows, r.bytes, r.blocks, time_ms{}});
  return change;
}

namespace {

/// Where the versions end that `hot` has behind `end` without a gap.
version reach_of(const std::vector<hot_rowset>& hot, version end) {
  for (const auto& rowset : hot)
    if (rowset.first_version <= end + 1)
      end = std::max(end, rowset.last_version);
  return end;
}

}  // namespace

set_plan plan_clone(const replica_disk& own, const cloned_set& source, bool full) {
  // A few versions do not bring a set that reaches less far: what is remote here would have to come along.
  const bool keeps_own
      = own.id >= source.id || (!full && last_version_of(source.remote) < last_version_of(own.remote));
  const auto& remote = keeps_own ? own.remote : source.remote;
  const auto end = last_version_of(remote);
  if (full && keeps_own && last_version_of(source.remote) > end)
    return refuse(set_refusal::would_go_back, "the source has not brought its rowsets home yet, as the destination has");
  if (!keeps_own && last_version_of(own.remote) > reach_of(source.hot, end))
    return refuse(set_refusal::would_go_back, "the source ends before the destination's remote rowsets do");
  if (straddles(source.hot, end) || (!full && straddles(own.hot, end)))
    return refuse(set_refusal::not_aligned,
                  "a local rowset is not aligned with version " + text_of(end) + ", where the remote ones end");
  auto change = change_to(own, keeps_own ? own.id : source.id, remote);
  const auto source_end = std::max(end, source.hot.empty() ? version_initial : source.hot.back().last_version);
  change.hot_dropped = upto(own.hot, full ? source_end : end);
  for (const auto& rowset : source.hot) {
    const auto overlaps = [&](const hot_rowset& mine) {
      return mine.first_version <= rowset.last_version && mine.last_version >= rowset.first_version;
    };
    if (rowset.first_version > end && (full || std::ranges::none_of(own.hot, overlaps)))
      change.hot_added.push_back(rowset);
  }
  return change;
}

void apply(replica_disk& disk, const set_change& change) {
  disk.id = change.to;
  disk.remote = change.remote;
  std::erase_if(disk.hot, [&](const hot_rowset& rowset) {
    return std::ranges::find(change.hot_dropped, rowset) != change.hot_dropped.end();
  });
  disk.hot.insert(disk.hot.end(), change.hot_added.begin(), change.hot_added.end());
  std::ranges::sort(disk.hot, {}, &hot_rowset::first_version);
  if (disk.asked && disk.asked->id <= disk.id)
    disk.asked.reset();
}

std::vector<std::string> plan_cleanup(const std::vector<std::string>& listing, const published_meta& published,
                                      const std::vector<remote_rowset>& rowsets, const std::set<std::string>& pending,
                                      term tenure) {
  std::set<std::string_view> needed{published.object};
  for (const auto& rowset : rowsets)
    needed.insert(rowset.object);
  std::vector<std::string> unused;
  for (const auto& object : listing) {
    const auto written_in = term_in_name(object);
    if (written_in && *written_in <= tenure && !needed.contains(object) && !pending.contains(object))
      unused.push_back(object);
  }
  return unused;
}

}  // namespace tabletd::model
