// The parser: a line is cut into words, a command takes the words it knows.  The first thing that
// goes wrong is kept, everything after it is ignored.
#include "actors/model/offline/scenario.h"
#include "actors/model/nearest.h"
#include "actors/model/statement.h"
#include <charconv>
#include <optional>

namespace tabletd::model::offline {

namespace {

constexpr std::uint32_t backends_max = 10'000;
constexpr std::uint32_t tablets_max = 10'000'000;
constexpr std::uint32_t paths_max = 100;
constexpr std::uint64_t gib_max = 1ULL << 20U; ///< A path of a PiB.
constexpr std::uint64_t mib_max = 1ULL << 30U;
constexpr std::uint32_t loads_max = 100'000;

std::optional<std::uint64_t> natural(std::string_view text) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  return failed == std::errc{} && stop == end && !text.empty() ? std::optional{number} : std::nullopt;
}

/// "500ms", "60s", "5m", "2h", "1d"; at most 10,000 days.
std::optional<time_ms> span_of(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789");
  const auto amount = natural(text.substr(0, digits));
  if (!amount || digits == std::string_view::npos)
    return std::nullopt;
  const auto unit = text.substr(digits);
  const std::uint64_t ms = unit == "ms"  ? 1
                           : unit == "s" ? 1'000
                           : unit == "m" ? 60'000
                           : unit == "h" ? 3'600'000
                           : unit == "d" ? 86'400'000
                                         : 0;
  constexpr std::uint64_t longest = 10'000ULL * 86'400'000;
  if (ms == 0 || *amount > longest / ms)
    return std::nullopt;
  return time_ms{static_cast<std::int64_t>(*amount * ms)};
}

/// "0.1" -> 100.
std::optional<std::uint64_t> thousandths(std::string_view text) {
  const auto dot = text.find('.');
  const auto whole = natural(text.substr(0, dot));
  if (!whole || *whole > 1'000'000)
    return std::nullopt;
  if (dot == std::string_view::npos)
    return *whole * 1'000;
  auto rest = std::string{text.substr(dot + 1)};
  if (rest.empty() || rest.size() > 3)
    return std::nullopt;
  rest.resize(3, '0');
  const auto part = natural(rest);
  return part ? std::optional{*whole * 1'000 + *part} : std::nullopt;
}

class line_parser {
public:
  line_parser(std::uint32_t line, std::string_view text) : line_(line) {
    for (std::size_t at = 0; (at = text.find_first_not_of(" \t\r", at)) != std::string_view::npos;) {
      const auto end = std::min(text.find_first_of(" \t\r", at), text.size());
      words_.push_back(text.substr(at, end - at));
      at = end;
    }
  }

  [[nodiscard]] std::optional<scenario_error> error() const { return error_; }

  command_body command() {
    const auto word = next("a command");
    const std::vector<std::string> known{"gen_cluster",   "gen_tablets",  "kill",      "revive",  "wipe", "add_backend",
                                         "decommission",  "recommission", "fill_disk", "corrupt", "load", "set",
                                         "change_leader", "run",          "assert",    "print"};
    command_body body;
    if (word == "gen_cluster")
      body = cluster(true);
    else if (word == "add_backend")
      body = cluster(false);
    else if (word == "gen_tablets")
      body = tablets();
    else if (word == "kill")
      body = treat(backend_fate::kill);
    else if (word == "revive")
      body = treat(backend_fate::revive);
    else if (word == "wipe")
      body = treat(backend_fate::wipe);
    else if (word == "decommission")
      body = treat(backend_fate::decommission);
    else if (word == "recommission")
      body = treat(backend_fate::recommission);
    else if (word == "fill_disk")
      body = disk();
    else if (word == "corrupt")
      body = damage();
    else if (word == "load")
      body = load();
    else if (word == "set")
      body = option();
    else if (word == "change_leader")
      body = change_leader{};
    else if (word == "run")
      body = run();
    else if (word == "assert")
      body = check();
    else if (word == "print")
      body = print_row{more({"backends"}) && take("backends")};
    else
      unknown("command", word, known);
    if (!done())
      fail("'" + std::string{words_[at_]} + "' is not expected here", "the line ends before it");
    return body;
  }

private:
  void fail(std::string message, std::string hint = {}) {
    if (!error_)
      error_ = scenario_error{line_, std::move(message), std::move(hint)};
    at_ = words_.size();
  }
  void unknown(std::string_view what, std::string_view word, const std::vector<std::string>& known) {
    const auto near = nearest(word, known);
    std::string all;
    for (const auto& one : known)
      all += (all.empty() ? "" : ", ") + one;
    fail("there is no " + std::string{what} + " '" + std::string{word} + "'",
         near.empty() ? "choose " + all : "did you mean " + near + "?");
  }

  [[nodiscard]] bool done() const { return at_ == words_.size(); }
  bool take(std::string_view word) {
    if (done() || words_[at_] != word)
      return false;
    ++at_;
    return true;
  }
  std::string_view next(std::string_view what) {
    if (!done())
      return words_[at_++];
    fail("the line ends where " + std::string{what} + " is expected");
    return {};
  }
  std::uint64_t number(std::string_view what, std::uint64_t least, std::uint64_t most) {
    const auto word = next(what);
    const auto value = natural(word);
    if (!error_ && (!value || *value < least || *value > most))
      fail("'" + std::string{word} + "' is not " + std::string{what},
           "write a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return value.value_or(least);
  }
  std::uint32_t small(std::string_view what, std::uint32_t least, std::uint32_t most) {
    return static_cast<std::uint32_t>(number(what, least, most));
  }
  time_ms span(std::string_view what) {
    const auto word = next(what);
    const auto value = span_of(word);
    if (!error_ && !value)
      fail("'" + std::string{word} + "' is not " + std::string{what}, "write 500ms, 60s, 5m, 2h or 1d");
    return value.value_or(time_ms{});
  }
  std::uint64_t decimal(std::string_view what) {
    const auto word = next(what);
    const auto value = thousandths(word);
    if (!error_ && !value)
      fail("'" + std::string{word} + "' is not " + std::string{what}, "write 1, 0.1 or 1.05");
    return value.value_or(0);
  }
  std::string name(std::string_view what) { return std::string{next(what)}; }
  /// One of `known` may follow; an unknown word gets the nearest of them.
  bool more(std::initializer_list<std::string_view> known) {
    if (done())
      return false;
    for (const auto one : known)
      if (words_[at_] == one)
        return true;
    unknown("setting", words_[at_], {known.begin(), known.end()});
    return false;
  }
  backend_number backend() { return small("a backend's number", 1, backends_max); }

  command_body cluster(bool many) {
    gen_cluster c;
    c.backends = many ? small("a number of backends", 1, backends_max) : 1;
    while (more({"hosts", "paths", "capacity", "medium", "cluster"})) {
      if (take("hosts"))
        c.hosts = small("a number of hosts", 1, backends_max);
      else if (take("paths"))
        c.paths = small("a number of paths", 1, paths_max);
      else if (take("capacity"))
        c.capacity_gib = number("a capacity in GiB", 1, gib_max);
      else if (take("cluster"))
        c.cluster = name("a cluster's name");
      else if (take("medium"))
        c.medium = medium_word();
    }
    return c;
  }
  model::medium medium_word() {
    const auto word = next("hdd or ssd");
    if (!error_ && word != "hdd" && word != "ssd")
      unknown("medium", word, {"hdd", "ssd"});
    return word == "ssd" ? medium::ssd : medium::hdd;
  }

  command_body tablets() {
    gen_tablets g;
    g.count = small("a number of tablets", 1, tablets_max);
    while (more({"replicas", "size", "table", "colocate", "cluster"})) {
      if (take("replicas"))
        g.replicas = small("a number of replicas", 1, replication_num_max);
      else if (take("size"))
        sizes(g);
      else if (take("table"))
        g.table = name("a table's name");
      else if (take("colocate"))
        g.colocate = name("a colocation group's name");
      else if (take("cluster"))
        g.cluster = name("a cluster's name");
    }
    if (g.table.empty())
      g.table = "t" + std::to_string(line_);
    return g;
  }
  void sizes(gen_tablets& g) {
    const auto word = next("a size in MiB");
    const auto dots = word.find("..");
    const auto low = natural(word.substr(0, dots));
    const auto high = dots == std::string_view::npos ? low : natural(word.substr(dots + 2));
    if (!error_ && (!low || !high || *low > *high || *high > mib_max))
      fail("'" + std::string{word} + "' is not a size in MiB", "write 100, or 1..300 for sizes between the two");
    g.mib_min = low.value_or(0);
    g.mib_max = high.value_or(0);
  }

  command_body treat(backend_fate how) {
    treat_backends t{how, {backend()}};
    while (!done())
      t.backends.push_back(backend());
    return t;
  }
  command_body disk() {
    fill_disk f;
    f.backend = backend();
    f.path = small("a path's number", 1, paths_max);
    f.percent = small("a percentage", 0, 100);
    return f;
  }
  command_body damage() {
    corrupt c;
    c.backend = backend();
    c.count = small("a number of replicas", 1, tablets_max);
    return c;
  }
  command_body load() {
    load_table l;
    l.table = name("a table's name");
    l.mib = number("a size in MiB", 1, mib_max);
    if (take("every")) {
      l.every = span("a span of time");
      if (!take("times"))
        fail("'every' needs how often", "write every 10s times 6");
      l.times = small("a number of loads", 1, loads_max);
    }
    return l;
  }
  command_body option() {
    set_option s;
    s.name = name("an option");
    const auto* row = find_option(s.name);
    if (!row) {
      std::vector<std::string> known;
      for (const auto& one : option_table())
        known.emplace_back(one.name);
      if (!error_)
        unknown("option", s.name, known);
      return s;
    }
    if (row->unit == option_unit::span)
      s.value = static_cast<std::uint64_t>(span("a span of time").count());
    else
      s.value = number(row->unit == option_unit::mib_per_s ? "a rate in MiB/s"
                       : row->unit == option_unit::percent ? "a percentage"
                                                           : "a number",
                       row->least, row->unit == option_unit::percent ? 100 : 1'000'000'000);
    if (!error_ && s.value < row->least)
      fail(s.name + " is too small", "write at least " + std::to_string(row->least) + "ms");
    return s;
  }
  command_body run() {
    if (take("until")) {
      if (!take("healthy"))
        fail("'run until' knows one thing to wait for", "write run until healthy [within 1h]");
      run_until_healthy r;
      if (take("within"))
        r.within = span("a span of time");
      return r;
    }
    return run_for{span("a span of time")};
  }

  // -- assertions ------------------------------------------------------------------------

  relation compared(relation otherwise) {
    if (take("<="))
      return relation::at_most;
    if (take(">="))
      return relation::at_least;
    return take("=") ? relation::equal : otherwise;
  }
  tablet_health status() {
    const auto word = next("a status");
    std::vector<std::string> known;
    for (std::size_t at = 0; at < tablet_health_count; ++at) {
      known.emplace_back(model::name(static_cast<tablet_health>(at)));
      if (word == known.back())
        return static_cast<tablet_health>(at);
    }
    if (!error_)
      unknown("status", word, known);
    return {};
  }
  command_body check() {
    constexpr auto any = ~std::uint64_t{};
    const auto counted = [this](measure what, relation otherwise) {
      const auto how = compared(otherwise);
      return assertion{what, {}, {}, how, number("a number", 0, any)};
    };
    if (take("healthy"))
      return assertion{measure::healthy, {}, {}, {}, 0};
    if (take("status")) {
      const auto wanted = status();
      auto made = counted(measure::status, relation::equal);
      made.status = wanted;
      return made;
    }
    if (take("replicas_on")) {
      const auto of = backend();
      auto made = counted(measure::replicas_on, relation::equal);
      made.backend = of;
      return made;
    }
    if (take("max_skew"))
      return counted(measure::max_skew, relation::at_most);
    if (take("moves"))
      return counted(measure::moves, relation::equal);
    if (take("reverted"))
      return counted(measure::reverted, relation::equal);
    if (take("thrash")) {
      const auto how = compared(relation::at_most);
      return assertion{measure::thrash, {}, {}, how, decimal("a number")};
    }
    if (take("time_to_healthy")) {
      const auto how = compared(relation::at_most);
      return assertion{
        measure::time_to_healthy, {}, {}, how, static_cast<std::uint64_t>(span("a span of time").count())};
    }
    if (take("balanced"))
      return assertion{measure::balanced,
                       {},
                       {},
                       relation::at_most,
                       take("score") ? decimal("a difference of scores") : balanced_score_thousandths};
    const auto word = next("what to assert");
    if (!error_)
      unknown(
        "assertion", word,
        {"healthy", "status", "replicas_on", "max_skew", "moves", "reverted", "thrash", "time_to_healthy", "balanced"});
    return {};
  }

  std::uint32_t line_;
  std::vector<std::string_view> words_;
  std::size_t at_ = 0;
  std::optional<scenario_error> error_;
};

std::string_view without_comment(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto last = line.find_last_not_of(" \t\r");
  const auto first = line.find_first_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view{} : line.substr(first, last - first + 1);
}

} // namespace

std::variant<scenario, scenario_error> parse_scenario(std::string_view text) {
  scenario made;
  bool begun = false;
  for (std::uint32_t line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto words = without_comment(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty())
      continue;
    line_parser parser{line, words};
    auto body = parser.command();
    if (auto error = parser.error())
      return *error;
    const bool option = std::holds_alternative<set_option>(body);
    if (option && begun)
      return scenario_error{line, "options are set before anything else", "move the line to the top"};
    begun |= !option;
    made.push_back({line, std::string{words}, std::move(body)});
  }
  return made;
}

} // namespace tabletd::model::offline
