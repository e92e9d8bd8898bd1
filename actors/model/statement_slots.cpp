#include "actors/model/statement_slots.h"
#include "actors/model/cluster_config.h"
#include "actors/model/cooldown_due_text.h"
#include "actors/model/nearest.h"
#include <algorithm>
#include <charconv>

namespace tabletd::model {

namespace {

constexpr std::string_view name_hint
  = "a name has 1 to 64 of A-Z a-z 0-9 _ - and begins with a letter or _";

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && !(name[0] >= '0' && name[0] <= '9')
         && name[0] != '-'
         && std::all_of(name.begin(), name.end(), [](char c) { return is_word_byte(c) || c == '-'; });
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= label_bytes_max
         && std::all_of(label.begin(), label.end(),
                        [](char c) { return is_word_byte(c) || c == '-' || c == '.' || c == ':'; });
}

/// All of `digits` as a number within [least, most].
std::optional<std::uint64_t> number_within(std::string_view digits, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size() || digits.empty() || number < least
      || number > most)
    return std::nullopt;
  return number;
}

std::optional<backend_address> address_in(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  const auto port = number_within(text.substr(colon + 1), 1, 65'535);
  const bool sound = !host.empty() && std::all_of(host.begin(), host.end(), [bracketed](char c) {
    return is_word_byte(c) || c == '-' || c == '.' || (bracketed && (c == ':' || c == '%'));
  });
  if (!port || !sound)
    return std::nullopt;
  return backend_address{std::string{host}, static_cast<std::uint16_t>(*port)};
}

/// What lists of properties belong to, for "no table has the property ...".
std::string_view owner_of(slot what) {
  switch (what) {
    case slot::partition_property: return "partition";
    case slot::resource_property: return "resource";
    case slot::policy_property: return "storage policy";
    case slot::backend_property: return "backend";
    case slot::replica_property: return "replica status";
    case slot::check_property: return "check";
    case slot::warmup_property: return "warm-up";
    default: return "table";
  }
}

std::string listed(const std::vector<property_name>& known) {
  std::string out;
  for (std::size_t i = 0; i < known.size(); ++i)
    out += (i == 0 ? "" : i + 1 == known.size() ? " and " : ", ") + ('"' + std::string{known[i].key} + '"');
  return out;
}

} // namespace

std::string_view name(replica_status status) {
  switch (status) {
    case replica_status::ok: return "OK";
    case replica_status::dead: return "DEAD";
    case replica_status::version_error: return "VERSION_ERROR";
    case replica_status::schema_error: return "SCHEMA_ERROR";
    case replica_status::missing: return "MISSING";
  }
  return "UNKNOWN";
}

std::vector<property_name> properties_of(slot what) {
  switch (what) {
    case slot::table_property:
      return {{"replication_num", "1 to 32, default 3"},
              {"column_separator", "one byte, default a tab"},
              {"storage_medium", "HDD or SSD"},
              {"cluster", "the cluster whose backends hold it"},
              {"colocate_with", "a group of tables with equal buckets"},
              {"storage_policy", "what of it cools, and where to"}};
    case slot::partition_property:
      return {{"storage_medium", "HDD, SSD; MODIFY also takes ANY"},
              {"storage_policy", "its own; without it the table's"}};
    case slot::table_setting: return {{"storage_policy", "a storage policy, or empty for none"}};
    case slot::resource_property:
      return {{"type", "file or s3"},
              {"root", "file: a directory that every node mounts"},
              {"endpoint", "s3: https://host:port"},
              {"bucket", "s3"},
              {"root_path", "s3: what every key begins with"},
              {"region", "s3: default us-east-1"},
              {"ca_file", "s3: the authority to trust; default the system's"},
              {"credentials_file", "s3: default the environment"}};
    case slot::policy_property:
      return {{"storage_resource", "where data cools to"},
              {"cooldown_ttl", "how long after it was written: 1d, 36h, 1week, or seconds"},
              {"cooldown_datetime", "or when: yyyy-MM-dd HH:mm:ss, UTC"}};
    case slot::backend_property: return {{"cluster", "a name"}, {"location", "like rack:a"}};
    case slot::replica_property:
      return {{"tablet_id", "a tablet"}, {"backend_id", "a backend"}, {"status", "ok or bad"}};
    case slot::check_property: return {{"type", "consistency"}};
    case slot::warmup_property:
      return {{"sync_mode", "once, periodic or event_driven"},
              {"sync_interval_sec", "periodic: seconds between the starts of rounds"},
              {"sync_event", "event_driven: load or query"},
              {"on_error", "cancel or skip"},
              {"when_busy", "queue or reject"}};
    case slot::config: {
      std::vector<property_name> names;
      for (const auto& key : config_keys())
        names.push_back({key.key, key.comment});
      return names;
    }
    default: return {};
  }
}

// -- slots -------------------------------------------------------------------------------

model::table_name slot_reader::table() {
  const auto filled = next();
  if (filled.last - filled.first == 1)
    return {{}, name_at(filled.first)};
  auto database = name_at(filled.first);
  return {std::move(database), name_at(filled.last - 1)};
}

std::uint64_t slot_reader::number(std::string_view what, std::uint64_t least, std::uint64_t most) {
  const auto& digits = tokens_[next().first];
  const auto number = number_within(digits.text, least, most);
  if (!number)
    refuse(digits, shown_token(digits) + " is no " + std::string{what},
           "it must be " + std::to_string(least) + " to " + std::to_string(most));
  return number.value_or(least);
}

std::vector<std::uint64_t> slot_reader::tablets() {
  std::vector<std::uint64_t> out;
  while (more(slot::tablet))
    out.push_back(tablet());
  return out;
}

backend_address slot_reader::address_of(std::string_view what, std::string_view usual_port) {
  const auto& written = tokens_[next().first];
  auto found = address_in(written.text);
  if (!found)
    refuse(written, shown_token(written) + " is no " + std::string{what},
           R"(write "host:port", like "10.0.0.1:)" + std::string{usual_port} + '"');
  return found.value_or(backend_address{});
}

std::vector<backend_address> slot_reader::addresses() {
  std::vector<backend_address> out;
  while (more(slot::address))
    out.push_back(address());
  return out;
}

std::string slot_reader::path() {
  const auto& written = tokens_[next().first];
  if (written.text.empty() || written.text.find('\0') != std::string::npos)
    refuse(written, "a path is not empty and has no zero byte", {});
  return written.text;
}

std::string slot_reader::label_like(std::string_view what) {
  const auto& written = tokens_[next().first];
  if (!is_label(written.text))
    refuse(written, shown_token(written) + " is no " + std::string{what},
           "a " + std::string{what} + " has 1 to 128 of A-Z a-z 0-9 _ - . :");
  return written.text;
}

std::string slot_reader::reason() {
  const auto& written = tokens_[next().first];
  if (written.text.size() > reason_bytes_max)
    refuse(written, "this reason is longer than " + std::to_string(reason_bytes_max) + " bytes",
           "one sentence will do");
  return written.text;
}

time_ms slot_reader::duration() {
  const auto& written = tokens_[next().first];
  const auto digits = std::string_view{written.text}.substr(0, written.text.size() - 1);
  std::uint64_t seconds = 1;
  switch (written.text.back()) {
    case 'm':
    case 'M': seconds = 60; break;
    case 'h':
    case 'H': seconds = 3'600; break;
    case 'd':
    case 'D': seconds = 86'400; break;
    default: break;
  }
  const auto most = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(pause_max).count());
  const auto count = number_within(digits, 1, most / seconds);
  if (!count)
    refuse(written, shown_token(written) + " is too short or too long", "it must be 1s to 30d");
  return std::chrono::seconds(count.value_or(1) * seconds);
}

replica_status slot_reader::status() {
  const auto& written = tokens_[next().first];
  std::vector<std::string> names;
  for (std::size_t i = 0; i < replica_status_count; ++i) {
    const auto one = static_cast<replica_status>(i);
    if (same_word(written.text, model::name(one)))
      return one;
    names.emplace_back(model::name(one));
  }
  const auto near = nearest(written.text, names);
  refuse(
      written, shown_token(written) + " is no replica status",
      near.empty() ? "there are OK, DEAD, VERSION_ERROR, SCHEMA_ERROR and MISSING" : "did you mean \"" + near + "\"?");
  return {};
}

std::vector<std::string> slot_reader::words() {
  const auto filled = next();
  std::vector<std::string> out;
  for (auto i = filled.first; i < filled.last; ++i)
    out.push_back(tokens_[i].text);
  return out;
}

partition_names slot_reader::partitions() {
  partition_names out;
  while (more(slot::partition)) {
    const auto& written = tokens_[match_.captures[at_].first];
    auto one = name();
    if (std::find(out.begin(), out.end(), one) != out.end())
      refuse(written, "the partition " + shown_token(written) + " is named twice", "keep one of them");
    if (out.size() == partitions_max)
      refuse(written, "these are more than " + std::to_string(partitions_max) + " partitions", "name fewer");
    out.push_back(std::move(one));
  }
  return out;
}

std::string slot_reader::only_partition(std::string_view why) {
  std::string one;
  for (bool first = true; more(slot::partition); first = false) {
    const auto& written = tokens_[match_.captures[at_].first];
    auto named = name();
    if (!first)
      refuse(written, "one partition is meant here, and " + shown_token(written) + " is another", std::string{why});
    else
      one = std::move(named);
  }
  return one;
}

std::vector<warm_up_target> slot_reader::targets() {
  std::vector<warm_up_target> out;
  while (more(slot::table)) {
    const auto& written = tokens_[match_.captures[at_].last - 1];
    warm_up_target one{table(), {}};
    if (more(slot::partition))
      one.partition = name();
    if (std::find(out.begin(), out.end(), one) != out.end())
      refuse(written, shown_token(written) + " is named twice", "keep one of them");
    out.push_back(std::move(one));
  }
  return out;
}

// -- properties --------------------------------------------------------------------------

std::vector<property> slot_reader::properties(slot what) {
  const auto known = properties_of(what);
  std::vector<property> out;
  while (more(what)) {
    const auto filled = next();
    const auto& key = tokens_[filled.first];
    std::string text = key.text;
    if (what == slot::config)
      if (const auto* config = find_config(text))
        text = config->key;
    if (what == slot::resource_property && looks_secret(text)) {
      refuse(key, "the property " + shown_token(key) + " would put a credential into the edit log",
             std::string{where_credentials_are});
    } else if (std::none_of(known.begin(), known.end(), [&](const property_name& k) { return k.key == text; })) {
      std::vector<std::string> names;
      for (const auto& one : known)
        names.emplace_back(one.key);
      const auto near = nearest(text, names);
      const auto otherwise = what == slot::config ? "ADMIN SHOW FRONTEND CONFIG lists them"
                                                  : (known.size() == 1 ? "there is " : "there are ") + listed(known);
      refuse(key,
             what == slot::config ? "there is no setting " + shown_token(key)
                                  : "no " + std::string{owner_of(what)} + " has the property " + shown_token(key),
             near.empty() ? otherwise : "did you mean \"" + near + "\"?");
    } else if (std::any_of(out.begin(), out.end(), [&](const property& p) { return p.key == text; })) {
      refuse(key, "the property " + shown_token(key) + " is given twice", "keep one of them");
    } else {
      out.push_back({text, &key, &tokens_[filled.last - 1]});
    }
  }
  return out;
}

std::uint64_t slot_reader::number_in(const property& of, std::string_view what, std::uint64_t least,
                                     std::uint64_t most) {
  const auto number = number_within(of.value->text, least, most);
  if (!number)
    refuse(*of.value, shown_token(*of.value) + " is no " + std::string{what},
           "it must be \"" + std::to_string(least) + "\" to \"" + std::to_string(most) + '"');
  return number.value_or(least);
}

char slot_reader::separator_in(const property& of) {
  const auto& text = of.value->text;
  if (text.size() == 1 && text[0] != '\n')
    return text[0];
  refuse(*of.value, shown_token(*of.value) + " is no column separator",
         R"(it must be one byte that is not a newline, like ";", "\t" or "\x01")");
  return '\t';
}

std::optional<medium> slot_reader::medium_in(const property& of, bool any_is_one) {
  if (same_word(of.value->text, "HDD"))
    return medium::hdd;
  if (same_word(of.value->text, "SSD"))
    return medium::ssd;
  if (!any_is_one || !same_word(of.value->text, "ANY"))
    refuse(*of.value, shown_token(*of.value) + " is no storage medium",
           any_is_one ? R"(it must be "HDD", "SSD" or "ANY")"
                      : R"(it must be "HDD" or "SSD"; without it any disk will do)");
  return std::nullopt;
}

std::string slot_reader::name_in(const property& of, std::string_view what) {
  if (!is_name(of.value->text))
    refuse(*of.value, shown_token(*of.value) + " is no valid " + std::string{what}, std::string{name_hint});
  return of.value->text;
}

std::string slot_reader::location_in(const property& of, bool may_be_empty) {
  const auto& text = of.value->text;
  const auto colon = text.find(':');
  const bool sound = is_label(text) && colon != std::string::npos && colon > 0 && colon + 1 < text.size();
  if (!sound && !(may_be_empty && text.empty()))
    refuse(*of.value, shown_token(*of.value) + " is no location",
           R"(write "kind:name", like "rack:a": 1 to 128 of A-Z a-z 0-9 _ - . :)");
  return text;
}

bool slot_reader::bad_in(const property& of) {
  const bool bad = same_word(of.value->text, "bad");
  if (!bad && !same_word(of.value->text, "ok"))
    refuse(*of.value, shown_token(*of.value) + " is no status one can set", R"(it must be "ok" or "bad")");
  return bad;
}

void slot_reader::check_type_in(const property& of) {
  if (!same_word(of.value->text, "consistency"))
    refuse(*of.value, shown_token(*of.value) + " is no kind of check", R"(it must be "consistency")");
}

std::string slot_reader::config_in(const property& of) {
  const auto& key = *find_config(of.key);
  cluster_config scratch;
  if (!key.is_mutable)
    refuse(*of.written_key, "the setting " + shown_token(*of.written_key) + " cannot be changed",
           "it is part of how the log is read");
  else if (!of.value->text.empty() && !set(scratch, key, of.value->text))
    refuse(*of.value, shown_token(*of.value) + " is no value of \"" + of.key + '"',
           "it must be " + wanted_value(key) + R"(; "" is the default)");
  return of.value->text;
}

std::size_t slot_reader::word_in(const property& of, std::string_view what, std::span<const std::string_view> words) {
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (same_word(of.value->text, words[i]))
      return i;
    all += (i == 0 ? "\"" : i + 1 == words.size() ? " or \"" : ", \"") + std::string{words[i]} + '"';
  }
  const auto near = nearest(of.value->text, std::vector<std::string>{words.begin(), words.end()});
  refuse(*of.value, shown_token(*of.value) + " is no " + std::string{what},
         near.empty() ? "it must be " + all : "did you mean \"" + near + "\"?");
  return 0;
}

resource_type slot_reader::resource_type_in(const property& of) {
  const auto type = resource_type_of(of.value->text);
  if (!type)
    refuse(*of.value, shown_token(*of.value) + " is no type of resource", R"(it must be "file" or "s3")");
  return type.value_or(resource_type::file);
}

cooldown_ttl slot_reader::ttl_in(const property& of) {
  const auto ttl = model::ttl_in(of.value->text);
  if (!ttl)
    refuse(*of.value,
           of.value->text.starts_with('-') ? "a time to live of " + shown_token(*of.value) + " is below zero"
                                           : shown_token(*of.value) + " is no time to live",
           R"(it must be a number of seconds, or like "1d", "12h" or "1week"; at most "36500d")");
  return ttl.value_or(cooldown_ttl{});
}

cooldown_datetime slot_reader::datetime_in(const property& of) {
  const auto datetime = model::datetime_in(of.value->text);
  if (!datetime)
    refuse(*of.value, shown_token(*of.value) + " is no date and time",
           R"(write "yyyy-MM-dd HH:mm:ss", UTC, from 1970 on)");
  return datetime.value_or(cooldown_datetime{});
}

void slot_reader::refuse_fault(const std::vector<property>& given, const property_fault& fault) {
  const auto at = std::find_if(given.begin(), given.end(), [&](const property& p) { return p.key == fault.key; });
  refuse(at == given.end() ? tokens_.back() : fault.of_value ? *at->value : *at->written_key, fault.message, fault.hint);
}

void slot_reader::at_most(std::uint64_t asked, std::uint64_t most, std::string_view what, std::string_view otherwise) {
  if (asked > most)
    refuse(tokens_.front(),
           "these are " + std::to_string(asked) + ' ' + std::string{what} + ", and one statement takes "
             + std::to_string(most),
           std::string{otherwise});
}

void slot_reader::need(bool given, std::string_view key, std::string_view why) {
  if (!given)
    refuse(tokens_.back(), "the property \"" + std::string{key} + "\" is missing", std::string{why});
}

// -- errors ------------------------------------------------------------------------------

std::string slot_reader::name_at(std::size_t at) {
  const auto& written = tokens_[at];
  if (!is_name(written.text))
    refuse(written, shown_token(written) + " is no valid name", std::string{name_hint});
  return written.text;
}

std::string slot_reader::shown_token(const token& what) const { return shown(what, text_); }

void slot_reader::refuse(const token& at, std::string message, std::string hint) {
  if (!error)
    error = statement_error{error_code::invalid_argument, std::move(message), std::move(hint),
                            position_of(text_, at.offset, at.length), {}, {}, {}};
}

} // namespace tabletd::model
