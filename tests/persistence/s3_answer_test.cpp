// What answers of S3 stores are taken for.
#include "persistence/remote/s3_answer.h"

#include <gtest/gtest.h>

using namespace std::chrono_literals;
using namespace tabletd;

namespace {

s3_reply reply_of(long status, const std::string& code) {
  s3_reply reply;
  reply.status = status;
  if (!code.empty())
    reply.body = "<Error><Code>" + code + "</Code><Message>why</Message></Error>";
  return reply;
}

TEST(S3Answer, EachIsOneFault) {
  struct row {
    long status;
    const char* code;
    remote_fault fault;
    bool ask_again;
  };
  const row table[] = {
      {400, "BadDigest", remote_fault::corrupt, true},
      {400, "ExpiredToken", remote_fault::denied, false},
      {400, "RequestTimeout", remote_fault::network, true},
      {400, "InvalidArgument", remote_fault::unusable, false},
      {400, "AuthorizationHeaderMalformed", remote_fault::unusable, false},
      {301, "PermanentRedirect", remote_fault::unusable, false},
      {403, "AccessDenied", remote_fault::denied, false},
      {403, "QuotaExceeded", remote_fault::full, false},
      {403, "RequestTimeTooSkewed", remote_fault::clock_skew, false},
      {404, "NoSuchKey", remote_fault::not_found, false},
      {404, "NoSuchBucket", remote_fault::unusable, false},
      {404, "", remote_fault::not_found, false},
      {409, "ConditionalRequestConflict", remote_fault::throttled, true},
      {412, "PreconditionFailed", remote_fault::exists_already, false},
      {429, "", remote_fault::throttled, true},
      {500, "InternalError", remote_fault::throttled, true},
      {501, "NotImplemented", remote_fault::unusable, false},
      {503, "SlowDown", remote_fault::throttled, true},
      {507, "", remote_fault::full, false},
  };
  for (const auto& [status, code, fault, ask_again] : table) {
    const auto verdict = judge(reply_of(status, code), 0);
    ASSERT_TRUE(verdict) << status << code;
    EXPECT_EQ(verdict->fault, fault) << status << code;
    EXPECT_EQ(verdict->ask_again, ask_again) << status << code;
  }
  EXPECT_FALSE(judge(reply_of(200, ""), 0));
  EXPECT_FALSE(judge(reply_of(204, ""), 0));
}

TEST(S3Answer, ARefusalWithAClockFarAwayIsAboutTheClock) {
  auto reply = reply_of(403, "");
  reply.date_unix_s = 1'000'000;
  EXPECT_EQ(judge(reply, 1'000'900)->fault, remote_fault::denied);
  EXPECT_EQ(judge(reply, 1'000'901)->fault, remote_fault::clock_skew);
  EXPECT_NE(judge(reply, 1'000'901)->why.find("901 s ahead of the store's"), std::string::npos);
  EXPECT_EQ(judge(reply, 999'000)->fault, remote_fault::clock_skew);
  EXPECT_EQ(judge(reply_of(403, ""), 1'000'901)->fault, remote_fault::denied) << "without a date nobody knows";
}

TEST(S3Answer, ContentRangesAreUnderstood) {
  const auto range = parse_content_range("bytes 5-14/100");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->offset, 5U);
  EXPECT_EQ(range->size_bytes, 10U);
  for (const auto* bad :
       {"", "bytes", "bytes */100", "bytes 5-4/100", "bytes 5/100", "bytes a-b/c", "5-14/100", "bytes 5/1-4"})
    EXPECT_FALSE(parse_content_range(bad)) << bad;
}

TEST(S3Answer, RetryAfterGivesSecondsOrNothing) {
  s3_reply reply;
  EXPECT_EQ(asked_pause(reply), std::nullopt);
  reply.headers["retry-after"] = "7";
  EXPECT_EQ(asked_pause(reply), 7s);
  for (const auto* bad : {"", "-1", "Fri, 24 May 2013 00:00:00 GMT", "99999999999999999999"}) {
    reply.headers["retry-after"] = bad;
    EXPECT_EQ(asked_pause(reply), std::nullopt) << bad;
  }
}

TEST(S3Answer, EntitiesAreResolved) {
  EXPECT_EQ(xml_text("<K>a&amp;b&lt;&gt;&quot;&apos;&#65;&#x42;&#228;&#x20ac;&#x1F600;</K>", "K"),
            "a&b<>\"'AB\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(xml_text("<K>a & b &nosuch; &#xzz; &</K>", "K"), "a & b &nosuch; &#xzz; &");
}

TEST(S3Answer, AListingIsWholeOrNothing) {
  const std::string whole
      = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key><Size>1</Size></Contents>"
        "<Contents><Key>b</Key><Size>2</Size></Contents></ListBucketResult>";
  const auto listing = parse_listing(whole);
  ASSERT_TRUE(listing);
  EXPECT_TRUE(listing->truncated);
  ASSERT_EQ(listing->objects.size(), 2U);
  EXPECT_EQ(listing->objects[1].key, "b");
  EXPECT_EQ(listing->objects[1].size_bytes, 2U);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_listing(whole.substr(0, size))) << size;
  auto swapped = whole;
  std::swap(swapped[whole.find("<Key>a") + 5], swapped[whole.find("<Key>b") + 5]);
  EXPECT_FALSE(parse_listing(swapped)) << "the next page would begin behind b";
  EXPECT_FALSE(parse_listing("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"));
  EXPECT_TRUE(parse_listing("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"));
  EXPECT_FALSE(
      parse_listing("<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>x</Size>"
                    "</Contents></ListBucketResult>"));
}

}  // namespace
