#pragma once
// Private to statement*.cpp: the slots of a statement that matched, one after the other, as
// values.  The first value that is unsound becomes the error, with its place.
#include "actors/model/resource_rules.h"
#include "actors/model/statement.h"
#include "actors/model/statement_grammar.h"
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model {

/// One "key"="value" as it was written.
struct property {
  std::string key; ///< Of configs: never an alias.
  const token* written_key = nullptr;
  const token* value = nullptr;
};

class slot_reader {
public:
  slot_reader(std::string_view text, const std::vector<token>& tokens, const form_match& match)
    : text_(text), tokens_(tokens), match_(match) {}

  std::optional<statement_error> error;

  [[nodiscard]] bool took(std::string_view word) const { return match_.took(word); }

  std::string name() { return name_at(next().first); }
  model::table_name table();
  std::uint64_t number(std::string_view what, std::uint64_t least, std::uint64_t most);
  std::uint64_t tablet() { return number("tablet id", 1, UINT64_MAX); }
  std::vector<std::uint64_t> tablets();
  backend_address address() { return address_of("backend address", "9060"); }
  backend_address member() { return address_of("edit log address", "9010"); }
  std::vector<backend_address> addresses();
  std::string path();
  std::string label() { return label_like("label"); }
  std::string plan() { return label_like("plan name"); }
  std::string frontend() { return label_like("fe name"); }
  std::string text() { return tokens_[next().first].text; }
  std::string reason();
  time_ms duration();
  replica_status status();
  std::vector<std::string> words();
  partition_names partitions();
  /// At most one; `why`: the hint of the error when there are more.
  std::string only_partition(std::string_view why);
  std::uint64_t warmup_job() { return number("job id", 1, UINT64_MAX); }
  /// Tables and partitions of them, each once.
  std::vector<warm_up_target> targets();

  /// All that follow of this slot; unknown and repeated keys are refused.
  std::vector<property> properties(slot what);

  // -- values of properties, each refused with what it must be --------------------------
  std::uint64_t number_in(const property& of, std::string_view what, std::uint64_t least, std::uint64_t most);
  char separator_in(const property& of);
  std::optional<medium> medium_in(const property& of, bool any_is_one);
  std::string name_in(const property& of, std::string_view what);
  std::string location_in(const property& of, bool may_be_empty);
  bool bad_in(const property& of);
  void check_type_in(const property& of);
  std::string config_in(const property& of);
  /// Index into `words`, in any case; refused with the nearest of them.
  std::size_t word_in(const property& of, std::string_view what, std::span<const std::string_view> words);
  resource_type resource_type_in(const property& of);
  cooldown_ttl ttl_in(const property& of);
  cooldown_datetime datetime_in(const property& of);
  /// Empty: none.
  std::string policy_in(const property& of) {
    return of.value->text.empty() ? std::string{} : name_in(of, "storage policy name");
  }
  void refuse_key(const property& of, std::string message, std::string hint) {
    refuse(*of.written_key, std::move(message), std::move(hint));
  }
  /// What resource_rules.h says of `given`.
  void refuse_fault(const std::vector<property>& given, const property_fault& fault);
  /// Refuses a statement that asks for more at once than is good for anybody; `what`: "tablets".
  void at_most(std::uint64_t asked, std::uint64_t most, std::string_view what, std::string_view otherwise);
  /// Refuses at the end of the statement what lacks a property.
  void need(bool given, std::string_view key, std::string_view why = "it is needed here");

private:
  [[nodiscard]] bool more(slot what) const { return at_ < match_.captures.size() && match_.captures[at_].what == what; }
  const capture& next() { return match_.captures[at_++]; }
  std::string name_at(std::size_t at);
  backend_address address_of(std::string_view what, std::string_view usual_port);
  std::string label_like(std::string_view what);
  void refuse(const token& at, std::string message, std::string hint);
  [[nodiscard]] std::string shown_token(const token& what) const;

  std::string_view text_;
  const std::vector<token>& tokens_;
  const form_match& match_;
  std::size_t at_ = 0;
};

/// A key a PROPERTIES or SET list takes, and what its value is.
struct property_name {
  std::string_view key;
  std::string_view help;
};
/// Of a slot that is a property; else none.
[[nodiscard]] std::vector<property_name> properties_of(slot what);

/// What a property of WARM UP may be, if it is one of a few words.
[[nodiscard]] std::span<const std::string_view> words_of_warmup_property(std::string_view key);

[[nodiscard]] warm_up_cluster build_warm_up_cluster(slot_reader& in);
[[nodiscard]] warm_up_tables build_warm_up_tables(slot_reader& in);

/// From captures to the statement of form `which`.
[[nodiscard]] statement build_statement(std::size_t which, slot_reader& in);

} // namespace tabletd::model
