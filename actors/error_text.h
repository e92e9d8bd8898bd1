#pragma once
// What went wrong in an actor, as one sentence: from the exception in flight, and from the
// exit reason or error answer it becomes.
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/sec.hpp>
#include <exception>
#include <string>

namespace caf {
class scheduled_actor;
} // namespace caf

namespace tabletd {

/// An error whose text_of() is `sentence`.
[[nodiscard]] inline caf::error failure(std::string sentence) {
  return caf::make_error(caf::sec::runtime_error, std::move(sentence));
}

/// What failure() was made of, or what an actor threw, or CAF's rendering.
[[nodiscard]] inline std::string text_of(const caf::actor_system& sys, const caf::error& why) {
  if (why == caf::sec::runtime_error && why.context().match_elements<std::string>())
    return why.context().get_as<std::string>(0);
  return why ? sys.render(why) : "it ended normally";
}

/// The exception in flight, in words and without the stack that kj::Exception prints.
[[nodiscard]] inline std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    const std::string text = e.what();
    return text.substr(0, text.find("\nstack:"));
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

/// For set_exception_handler(): the exit reason of an actor that threw carries the text, where
/// CAF's own handler would print it and forget it.
[[nodiscard]] inline caf::error error_of_exception(caf::scheduled_actor*, std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (...) {
    return failure(current_exception_text());
  }
}

} // namespace tabletd
