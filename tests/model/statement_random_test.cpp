// What holds of every statement and of any bytes: printed it parses to the same, nothing breaks the
// parser, and it takes linear time.
#include "actors/model/statement.h"
#include <gtest/gtest.h>
#include <algorithm>
#include <random>

namespace tabletd::model {
namespace {

/// Draws statements a parser could have returned, odd names and bytes included.
class statement_dice {
public:
  explicit statement_dice(std::uint64_t seed) : dice_(seed) {}

  statement roll() {
    const auto which = number(0, std::variant_size_v<statement> - 1);
    return which < 21 ? roll_data(which) : roll_admin(which);
  }

  std::uint64_t number(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>{least, most}(dice_);
  }
  char byte() { return static_cast<char>(number(0, 255)); }

private:
  statement roll_data(std::uint64_t which) {
    switch (which) {
      case 0: return create_database{name(), coin()};
      case 1: return drop_database{name(), coin()};
      case 2: return create_table{table(), coin(), static_cast<std::uint32_t>(number(1, UINT32_MAX)),
                                  static_cast<std::uint32_t>(number(1, buckets_max)),
                                  static_cast<std::uint32_t>(number(1, replication_num_max)), separator(), partitions(),
                                  where(), coin() ? "" : name(), coin() ? "" : name(), coin() ? "" : name()};
      case 3: return drop_table{table(), coin()};
      case 4: return add_partition{table(), name(), where(), coin() ? "" : name()};
      case 5: return drop_partition{table(), name()};
      case 6: {
        modify_partition out{table(), name(), {}, {}};
        if (coin())
          out.medium = where();
        if (coin() || !out.medium)
          out.storage_policy = coin() ? "" : name();
        return out;
      }
      case 7: return use_database{name()};
      case 8: return add_backends{addresses(1), coin() ? "" : name(), coin() ? "" : location()};
      case 9: return drop_backend{address()};
      case 10: return modify_backend{address(), coin() ? std::optional{name()} : std::nullopt, coin() ? location() : ""};
      case 11: return decommission_backend{address(), coin()};
      case 12: return load_file{path(), table(), coin() ? "" : label(), coin() ? "" : name()};
      case 13: return export_table{table(), path(), partitions(), coin() ? "" : name()};
      case 14: return show_databases{};
      case 15: return show_tables{coin() ? "" : name()};
      case 16: return show_backends{};
      case 17: return show_frontends{};
      case 18: return show_tablet{number(1, UINT64_MAX)};
      case 19: return show_tablets{table(), partitions()};
      default: return show_proc{path()};
    }
  }
  statement roll_admin(std::uint64_t which) {
    switch (which) {
      case 21: return explain_tablet{number(1, UINT64_MAX)};
      case 22: return diagnose_tablet{number(1, UINT64_MAX)};
      case 23: return show_repair_history{coin() ? 0 : number(1, UINT64_MAX)};
      case 24: {
        const replica_status_filter filter{static_cast<replica_status>(number(0, replica_status_count - 1)), coin()};
        return show_replica_status{table(), partitions(), coin() ? std::optional{filter} : std::nullopt};
      }
      case 25: return show_replica_distribution{table(), partitions()};
      case 26: return repair_table{table(), partitions(), coin()};
      case 27: return set_replica_status{number(1, UINT64_MAX), number(1, UINT64_MAX), coin()};
      case 28: return coin() ? set_config{{{"disable_balance", coin() ? "true" : ""}}}
                             : set_config{{{"balance_load_score_threshold", "0.25"}, {"schedule_slot_num_per_path", "7"}}};
      case 29: return show_config{coin() ? "" : path()};
      case 30: return pause_balance{scope(), std::chrono::seconds(number(1, 2'592'000)), coin() ? "" : path()};
      case 31: return resume_balance{scope()};
      case 34: return plan_of_balance{};
      case 35: return plan_of_decommission{address()};
      case 36: return plan_of_loss{address()};
      case 37: {
        const auto kind = static_cast<plan_kind>(number(0, plan_kind_count - 1));
        return save_plan{kind, kind == plan_kind::rebalance ? backend_address{} : address(), label()};
      }
      case 38: return apply_plan{label()};
      case 39: return drop_plan{label()};
      case 40: return show_plans{};
      case 41: return show_plan{label()};
      case 42: return add_frontend{address(), coin()};
      case 43: return drop_frontend{address(), coin()};
      case 44: return hand_over_leadership{label()};
      case 32: return rebalance_disk{addresses(0), coin()};
      case 33: {
        check_tablets out;
        for (auto n = number(1, 3); n > 0; --n)
          out.tablets.push_back(number(1, UINT64_MAX));
        return out;
      }
      case 45: return make_checkpoint{coin() ? "" : label()};
      case 46: return set_table_policy{table(), coin() ? "" : name()};
      case 47: {
        const auto type = coin() ? resource_type::file : resource_type::s3;
        return create_resource{name(), coin(), type, type == resource_type::file ? resource_properties{{"root", "/" + of("ab \\\"'.", 1, 5) + 'x'}} : bucket()};
      }
      case 48: return alter_resource{name(), coin() ? bucket() : resource_properties{{"region", coin() ? "" : "eu"}}};
      case 49: return drop_resource{name(), coin()};
      case 50: return create_storage_policy{name(), coin(), name(), due()};
      case 51: {
        alter_storage_policy out{name(), {}, {}};
        if (coin())
          out.resource = name();
        if (coin() || !out.resource)
          out.due = due();
        return out;
      }
      case 52: return drop_storage_policy{name(), coin()};
      case 53: return show_resources{};
      case 54: return show_storage_policies{};
      case 55: return show_policy_users{coin() ? "" : name()};
      case 56: return cooldown_table{table(), partitions()};
      case 57: return recall_table{table(), partitions()};
      case 58: return warm_up_cluster{name(), name(), terms()};
      case 59: {
        warm_up_tables out{name(), {}, terms()};
        const auto some = partitions();
        for (auto n = number(1, 3); n > 0; --n)
          out.targets.push_back({{"", "t" + std::to_string(n)}, {}});
        for (const auto& one : some)
          out.targets.push_back({table(), one}); // The partitions differ.
        return out;
      }
      case 60: return cancel_warm_up{number(1, UINT64_MAX)};
      case 61: return pause_warm_up{number(1, UINT64_MAX)};
      case 62: return resume_warm_up{number(1, UINT64_MAX)};
      case 63: return verify_warm_up{number(1, UINT64_MAX)};
      case 64: return show_warm_up{coin() ? 0 : number(1, UINT64_MAX)};
      default: {
        help_words out;
        for (auto n = number(0, 3); n > 0; --n)
          out.words.push_back(word());
        return out;
      }
    }
  }

  resource_properties bucket() {
    return {{"bucket", of("abc-09", 3, 63)}, {"endpoint", "https://" + of("abc-09", 1, 9) + ":9000"}, {"root_path", of("aZ0_-=:+@~", 1, 9) + "/a.b"}};
  }
  warm_up_terms terms() {
    warm_up_terms out{coin(), coin()};
    if (const auto mode = number(0, 2); mode == 1)
      out.sync = sync_periodic{std::chrono::seconds(number(1, sync_interval_s_max))};
    else if (mode == 2)
      out.sync = sync_on_event{coin() ? warmup_event::load : warmup_event::query};
    out.on_error = coin() ? warmup_on_error::cancel : warmup_on_error::skip;
    out.when_busy = coin() ? warmup_when_busy::queue : warmup_when_busy::reject;
    return out;
  }
  cooldown_due due() {
    if (coin())
      return cooldown_ttl{coin() ? number(0, 100'000) : number(0, 36'500) * 86'400};
    return cooldown_datetime{std::chrono::seconds(number(0, 253'402'300'799))};
  }
  bool coin() { return number(0, 1) == 1; }
  std::string of(std::string_view alphabet, std::uint64_t least, std::uint64_t most) {
    std::string out;
    for (auto n = number(least, most); n > 0; --n)
      out += alphabet[number(0, alphabet.size() - 1)];
    return out;
  }
  std::string word() { return of("SHOWtables_", 1, 6); }
  std::string name() {
    const std::string keywords[] = {"IF", "from", "Table", "KEY", "TABLETS"};
    return coin() ? keywords[number(0, 4)] : of("abcXYZ_", 1, 1) + of("abcXYZ_09-", 0, 63);
  }
  table_name table() { return {coin() ? "" : name(), name()}; }
  std::string label() { return of("aZ09_-.:", 1, 128); }
  backend_address address() {
    return {coin() ? of("abc-.09", 1, 12) : of("0123456789abcdef", 1, 4) + "::" + of("1f", 1, 3),
            static_cast<std::uint16_t>(number(1, 65'535))};
  }
  std::vector<backend_address> addresses(std::uint64_t least) {
    std::vector<backend_address> out;
    for (auto n = number(least, 3); n > 0; --n)
      out.push_back(address());
    return out;
  }
  std::string location() { return of("abc", 1, 4) + ':' + of("abc.1-", 1, 8); }
  std::optional<medium> where() {
    const auto n = number(0, 2);
    return n == 0 ? std::nullopt : std::optional{n == 1 ? medium::hdd : medium::ssd};
  }
  partition_names partitions() {
    partition_names out;
    for (auto n = number(0, 3); n > 0; --n)
      out.push_back(name());
    for (auto& one : out)
      one.resize(std::min(one.size(), name_bytes_max - 1));
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] += std::to_string(i); // Each name once.
    return out;
  }
  balance_scope scope() {
    const auto n = number(0, 2);
    return n == 0 ? balance_scope{} : n == 1 ? balance_scope{table()} : balance_scope{address()};
  }
  char separator() {
    const char c = byte();
    return c == '\n' ? ';' : c;
  }
  std::string path() {
    std::string out;
    for (auto n = number(1, 12); n > 0; --n)
      if (const char c = byte(); c != '\0')
        out += c;
    return out.empty() ? "/" : out;
  }

  std::mt19937_64 dice_;
};

TEST(Statement, PrintedItParsesToTheSame) {
  statement_dice dice{20241124};
  for (int i = 0; i < 50'000; ++i) {
    const auto what = dice.roll();
    const auto text = print(what);
    const auto again = parse(text);
    ASSERT_TRUE(std::holds_alternative<statement>(again)) << text << ": " << std::get<statement_error>(again).message;
    ASSERT_EQ(std::get<statement>(again), what) << text;
    ASSERT_EQ(print(std::get<statement>(again)), text);
  }
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// Cuts, doubles, swaps, inserts; sometimes pieces of other statements.
std::string mutated(statement_dice& dice, std::string text) {
  static constexpr std::string_view pieces[] = {"'", "\"", "`", "\\", "/*", "*/", "--", "\n", "(", ")", ",", ";", ".", "=",
                                                "\\x", "\\x0", "IF", "NOT", "EXISTS", "FROM", "0", "18446744073709551616",
                                                "数", "\xff", "\xe6\x95"};
  for (auto n = dice.number(1, 4); n > 0; --n) {
    const auto at = dice.number(0, text.size());
    switch (dice.number(0, 5)) {
      case 0: text.erase(at, dice.number(1, 5)); break;
      case 1: text.insert(at, 1, dice.byte()); break;
      case 2: text.insert(at, pieces[dice.number(0, std::size(pieces) - 1)]); break;
      case 3: text.insert(at, text.substr(dice.number(0, text.size()), dice.number(1, 12))); break;
      case 4: text.resize(at); break;
      default:
        if (at < text.size())
          text[at] = dice.byte();
    }
  }
  return text;
}

TEST(Statement, NoBytesBreakIt) {
  statement_dice dice{7};
  std::size_t good = 0;
  std::size_t bad = 0;
  for (int i = 0; i < 250'000; ++i) {
    std::string text;
    if (i % 50 == 0)
      for (auto n = dice.number(0, 40); n > 0; --n)
        text += dice.byte();
    else
      text = mutated(dice, print(dice.roll()));
    const auto outcome = parse(text);
    if (const auto* error = std::get_if<statement_error>(&outcome)) {
      ++bad;
      ASSERT_FALSE(error->message.empty()) << text;
      ASSERT_TRUE(printable(error->message) && printable(error->hint)) << error->message;
      ASSERT_LE(error->at.offset + error->at.length, text.size()) << text;
      ASSERT_GE(error->at.line, 1u);
      ASSERT_GE(error->at.column, 1u);
    } else {
      ++good;
      const auto& what = std::get<statement>(outcome);
      const auto again = parse(print(what));
      ASSERT_TRUE(std::holds_alternative<statement>(again)) << text << "\n" << print(what);
      ASSERT_EQ(std::get<statement>(again), what) << text;
    }
  }
  // The mutations must reach both sides of the parser, or the test proves nothing.
  EXPECT_GT(good, 10'000u);
  EXPECT_GT(bad, 100'000u);
}

TEST(Statement, DeepAndLongTextTakesLinearTime) {
  for (const std::string_view piece : {"(", "'", "\"a\",", "a.", "/*", "--\n", "`", "\\", ";", "IF NOT "}) {
    std::string text = "ALTER SYSTEM ADD BACKEND ";
    while (text.size() + piece.size() <= statement_bytes_max)
      text += piece;
    EXPECT_TRUE(std::holds_alternative<statement_error>(parse(text)));
  }
}

} // namespace
} // namespace tabletd::model
