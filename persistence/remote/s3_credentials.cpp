// See s3_credentials.h.
#include "persistence/remote/s3_credentials.h"

#include "persistence/durable_file.h"
#include "persistence/remote/remote_error.h"

#include <fmt/format.h>

#include <cstring>
#include <fcntl.h>

namespace tabletd {

namespace {

constexpr std::uint64_t credentials_bytes_max = 64 * 1024;

[[noreturn]] void refuse(const std::string& place, std::string_view why, std::string_view next_step) {
  throw remote_error(remote_fault::denied, "",
                     fmt::format("cannot use the credentials in {}: {}; {}", place, why, next_step));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// A line break in one of them would end a header.
s3_credentials checked(s3_credentials found, const std::string& place, std::string_view id_name,
                       std::string_view secret_name) {
  for (const auto* value : {&found.access_key_id, &found.secret_access_key, &found.session_token})
    for (const char letter : *value)
      if (letter <= ' ' || letter > '~')
        refuse(place, "one of them holds a byte that is no printable letter", "write them again");
  if (found.access_key_id.empty())
    refuse(place, fmt::format("{} is missing", id_name), "add it");
  if (found.secret_access_key.empty())
    refuse(place, fmt::format("{} is missing", secret_name), "add it");
  return found;
}

}  // namespace

s3_credentials read_credentials(const std::filesystem::path& file) {
  open_file opened;
  if (const int error = opened.try_open(file, O_RDONLY))
    refuse(file.string(), std::strerror(error), "let the user that runs tabletd read it");
  struct ::stat found {};
  if (files().fstat(opened.fd(), &found) != 0 || !S_ISREG(found.st_mode)
      || found.st_size > static_cast<::off_t>(credentials_bytes_max))
    refuse(file.string(), "it is not a small file", "check the path");
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    refuse(file.string(), "others may read it", "chmod 600 it, and renew the credentials if others did");
  std::string text(static_cast<std::size_t>(found.st_size), '\0');
  opened.read_at(0, std::as_writable_bytes(std::span(text.data(), text.size())));

  s3_credentials credentials;
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos)
      continue;
    const auto name = trim(line.substr(0, equals)), value = trim(line.substr(equals + 1));
    if (name == "aws_access_key_id")
      credentials.access_key_id = value;
    else if (name == "aws_secret_access_key")
      credentials.secret_access_key = value;
    else if (name == "aws_session_token")
      credentials.session_token = value;
  }
  return checked(std::move(credentials), file.string(), "aws_access_key_id", "aws_secret_access_key");
}

s3_credentials credentials_of_environment(const std::function<const char*(const char*)>& look_up) {
  const auto value_of = [&](const char* name) {
    const char* value = look_up(name);
    return std::string(value ? value : "");
  };
  return checked({value_of("AWS_ACCESS_KEY_ID"), value_of("AWS_SECRET_ACCESS_KEY"), value_of("AWS_SESSION_TOKEN")},
                 "the environment", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
}

}  // namespace tabletd
