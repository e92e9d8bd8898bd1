#pragma once
// What tests of the statement language share.
#include "actors/model/statement.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <variant>

namespace tabletd::model {

/// What `text` says; the test fails if it does not parse.
inline statement parsed(std::string_view text) {
  auto outcome = parse(text);
  if (const auto* error = std::get_if<statement_error>(&outcome)) {
    ADD_FAILURE() << text << ": " << error->message;
    return show_backends{};
  }
  return std::get<statement>(std::move(outcome));
}

} // namespace tabletd::model
