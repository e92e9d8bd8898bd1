#include "actors/model/cooldown_due_text.h"

#include "actors/model/statement_lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace tabletd::model {

namespace {

constexpr std::uint64_t hour_s = 3'600;
constexpr std::uint64_t day_s = 24 * hour_s;
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> units{
    {{"", 1}, {"h", hour_s}, {"hour", hour_s}, {"d", day_s}, {"day", day_s}, {"week", 7 * day_s}}};

/// All of it is digits.
std::optional<std::uint64_t> number_in(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size() || digits.empty())
    return std::nullopt;
  return number;
}

std::string padded(std::uint64_t number, std::size_t digits) {
  auto text = std::to_string(number);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

}  // namespace

std::optional<cooldown_ttl> ttl_in(std::string_view text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = number_in(text.substr(0, digits));
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const auto& u) { return same_word(u.first, text.substr(digits)); });
  if (!number || unit == units.end() || *number > cooldown_ttl_max_s / unit->second)
    return std::nullopt;
  return cooldown_ttl{*number * unit->second};
}

std::string to_text(cooldown_ttl ttl) {
  if (ttl.seconds > 0 && ttl.seconds % day_s == 0)
    return std::to_string(ttl.seconds / day_s) + 'd';
  return ttl.seconds > 0 && ttl.seconds % hour_s == 0 ? std::to_string(ttl.seconds / hour_s) + 'h'
                                                      : std::to_string(ttl.seconds);
}

std::optional<cooldown_datetime> datetime_in(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view shape = "dddd-dd-dd dd:dd:dd";
  const auto fits = [](char mark, char c) { return mark == 'd' ? c >= '0' && c <= '9' : mark == c; };
  if (!std::equal(shape.begin(), shape.end(), text.begin(), text.end(), fits))
    return std::nullopt;
  const auto part = [&](std::size_t from, std::size_t count) { return *number_in(text.substr(from, count)); };
  const year_month_day date{year{static_cast<int>(part(0, 4))}, month{static_cast<unsigned>(part(5, 2))},
                            day{static_cast<unsigned>(part(8, 2))}};
  const auto hour = part(11, 2), minute = part(14, 2), second = part(17, 2);
  if (!date.ok() || date.year() < year{1970} || hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  return cooldown_datetime{sys_days{date}.time_since_epoch() + hours{hour} + minutes{minute} + seconds{second}};
}

std::string to_text(cooldown_datetime datetime) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{datetime.at};
  const auto midnight = floor<days>(at);
  const year_month_day date{midnight};
  const hh_mm_ss time{floor<seconds>(at - midnight)};
  const auto number = [](auto count) { return static_cast<std::uint64_t>(count); };
  return padded(number(int{date.year()}), 4) + '-' + padded(unsigned{date.month()}, 2) + '-'
         + padded(unsigned{date.day()}, 2) + ' ' + padded(number(time.hours().count()), 2) + ':'
         + padded(number(time.minutes().count()), 2) + ':' + padded(number(time.seconds().count()), 2);
}

}  // namespace tabletd::model
