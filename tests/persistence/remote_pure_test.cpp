// The parts of the remote store that touch nothing: signatures, pacing, keys.
#include "persistence/remote/remote_key.h"
#include "persistence/remote/retry_pacing.h"
#include "persistence/remote/sigv4.h"

#include <gtest/gtest.h>

using namespace std::chrono_literals;
using namespace tabletd;

namespace {

// -- signatures: the examples AWS publishes ----------------------------------------------

std::string signature_of(const signable_request& request, const s3_credentials& credentials,
                         const signing_scope& scope) {
  const auto value = authorization(request, credentials, scope);
  return value.substr(value.find("Signature=") + 10);
}

const std::string empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// "Authenticating Requests: Using the Authorization Header" of the S3 API reference.
struct S3Example : ::testing::Test {
  std::string signature(const std::string& method, const std::string& path, std::map<std::string, std::string> query,
                        std::map<std::string, std::string> headers, const std::string& payload_sha256 = empty_sha256) {
    headers.insert({{"host", "examplebucket.s3.amazonaws.com"},
                    {"x-amz-date", amz_date(1369353600)},
                    {"x-amz-content-sha256", payload_sha256}});
    return signature_of({method, path, std::move(query), std::move(headers), payload_sha256},
                        {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""}, {"us-east-1"});
  }
};

TEST_F(S3Example, GetARange) {
  EXPECT_EQ(signature("GET", "/test.txt", {}, {{"range", "bytes=0-9"}}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(S3Example, PutAKeyThatNeedsEncoding) {
  const std::string_view body = "Welcome to Amazon S3.";
  EXPECT_EQ(signature("PUT", percent_encoded("/test$file.text", true), {},
                      {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                      sha256_hex(std::as_bytes(std::span(body)))),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(S3Example, AQueryWithoutValue) {
  EXPECT_EQ(signature("GET", "/", {{"lifecycle", ""}}, {}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_F(S3Example, AQueryIsSorted) {
  EXPECT_EQ(signature("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

/// The general test suite of Signature Version 4.
TEST(SigV4Suite, VanillaRequests) {
  const s3_credentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
  const signing_scope scope{"us-east-1", "service"};
  signable_request request{
      "GET", "/", {}, {{"host", "example.amazonaws.com"}, {"x-amz-date", amz_date(1440938160)}}, empty_sha256};
  EXPECT_EQ(
      authorization(request, credentials, scope),
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
      "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  request.query = {{"Param2", "value2"}, {"Param1", "value1"}};
  EXPECT_EQ(signature_of(request, credentials, scope),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  request.query.clear();
  request.method = "POST";
  EXPECT_EQ(signature_of(request, credentials, scope),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(SigV4Suite, BlanksInHeadersAreFolded) {
  signable_request request{"GET", "/", {}, {{"host", "h"}, {"x-amz-date", amz_date(0)}, {"x", "a b"}}, empty_sha256};
  const auto plain = authorization(request, {"k", "s", ""}, {"r"});
  request.headers["x"] = "  a   b ";
  EXPECT_EQ(authorization(request, {"k", "s", ""}, {"r"}), plain);
}

TEST(SigV4Suite, DatesAreThoseOfTheCalendar) {
  EXPECT_EQ(amz_date(0), "19700101T000000Z");
  EXPECT_EQ(amz_date(951782399), "20000228T235959Z");
  EXPECT_EQ(amz_date(951782400), "20000229T000000Z");
}

// -- pacing -----------------------------------------------------------------------------

TEST(RetryPacing, PausesDoubleUpToTheLongest) {
  const retry_policy policy{.attempts_max = 100, .first_pause = 100ms, .longest_pause = 1000ms};
  EXPECT_EQ(pause_before_retry(policy, 1, {}, 0, 1h), 50ms);
  EXPECT_EQ(pause_before_retry(policy, 1, {}, 50, 1h), 100ms);
  EXPECT_EQ(pause_before_retry(policy, 1, {}, 51, 1h), 50ms);
  EXPECT_EQ(pause_before_retry(policy, 3, {}, 0, 1h), 200ms);
  EXPECT_EQ(pause_before_retry(policy, 5, {}, 500, 1h), 1000ms);
  EXPECT_EQ(pause_before_retry(policy, 99, {}, 500, 1h), 1000ms);
}

TEST(RetryPacing, GivesUpWhenAttemptsOrTimeAreOver) {
  const retry_policy policy{.attempts_max = 3, .first_pause = 100ms, .longest_pause = 1000ms};
  EXPECT_TRUE(pause_before_retry(policy, 2, {}, 0, 1h));
  EXPECT_FALSE(pause_before_retry(policy, 3, {}, 0, 1h));
  EXPECT_FALSE(pause_before_retry(policy, 1, {}, 0, 50ms));
  EXPECT_TRUE(pause_before_retry(policy, 1, {}, 0, 51ms));
}

TEST(RetryPacing, WhatTheStoreAsksForIsKeptWithinTheLongest) {
  const retry_policy policy{.attempts_max = 9, .first_pause = 100ms, .longest_pause = 1000ms};
  EXPECT_EQ(pause_before_retry(policy, 1, 700ms, 0, 1h), 700ms);
  EXPECT_EQ(pause_before_retry(policy, 1, 1h, 0, 2h), 1000ms);
  EXPECT_EQ(pause_before_retry(policy, 1, 0ms, 0, 1h), 50ms);
}

// -- keys -------------------------------------------------------------------------------

TEST(RemoteKey, LengthsHaveALimit) {
  EXPECT_FALSE(key_fault(std::string(key_segment_bytes_max, 'a')));
  EXPECT_TRUE(key_fault(std::string(key_segment_bytes_max + 1, 'a')));
  std::string key = "a";
  while (key.size() < key_bytes_max)
    key += key.size() % 2 ? "/" : "a";
  EXPECT_FALSE(key_fault(key.substr(0, key_bytes_max - 1)));
  EXPECT_TRUE(key_fault(key + "/a"));
}

TEST(RemoteKey, APrefixMayEndAnywhere) {
  for (const auto* prefix : {"", "a", "a/", "a/b", "a/b."})
    EXPECT_FALSE(prefix_fault(prefix)) << prefix;
  for (const auto* prefix : {"/", ".", "a/..", "a//", "a b"})
    EXPECT_TRUE(prefix_fault(prefix)) << prefix;
}

TEST(RemoteKey, EncodingKeepsOnlyWhatIsUnreserved) {
  EXPECT_EQ(percent_encoded("a/b c=~:\xc3\xa4", false), "a%2Fb%20c%3D~%3A%C3%A4");
  EXPECT_EQ(percent_encoded("a/b c", true), "a/b%20c");
}

}  // namespace
