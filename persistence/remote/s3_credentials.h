#pragma once
// Where the credentials of an S3 store come from: a file that only this user may read, or the environment.
#include "persistence/remote/sigv4.h"

#include <filesystem>
#include <functional>

namespace tabletd {

/// Asked before every request, so that credentials may be renewed while tabletd runs.  Throws
/// remote_error(denied), which names what is missing and never what is there.
using credentials_fn = std::function<s3_credentials()>;

/// Lines `aws_access_key_id = ...`, `aws_secret_access_key = ...` and, of temporary ones, `aws_session_token = ...`;
/// others, comments and [sections] are passed over.  A file that others may read is refused.
[[nodiscard]] s3_credentials read_credentials(const std::filesystem::path& file);
/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.  `look_up` is ::getenv but in tests.
[[nodiscard]] s3_credentials credentials_of_environment(const std::function<const char*(const char*)>& look_up);

}  // namespace tabletd
