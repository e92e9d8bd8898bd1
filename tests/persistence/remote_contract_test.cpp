// What every remote store promises, against each of them: a directory, and an S3 server that checks signatures.
#include "persistence/remote/file_remote_store.h"
#include "persistence/remote/remote_probe.h"
#include "persistence/remote/s3_remote_store.h"
#include "remote_rig.h"
#include "s3_server.h"
#include "temporary_directory.h"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <latch>
#include <thread>

using namespace std::chrono_literals;
using namespace tabletd;
using namespace tabletd::test;

namespace {

class directory_kind final : public store_kind {
public:
  std::unique_ptr<remote_store> connect() override { return std::make_unique<file_remote_store>(directory_.path()); }

private:
  temporary_directory directory_;
};

/// Parts of 1 MiB; objects below `prefix`.
class s3_kind final : public store_kind {
public:
  explicit s3_kind(std::string prefix) : prefix_(std::move(prefix)) {
    server_.put_behind_the_back("neighbour", "not ours");
  }
  std::unique_ptr<remote_store> connect() override {
    return std::make_unique<s3_remote_store>(s3_config{.endpoint = server_.endpoint(),
                                                       .bucket = std::string(s3_server::bucket),
                                                       .prefix = prefix_,
                                                       .part_bytes = 1U << 20},
                                             real_surroundings(s3_server::credentials));
  }

private:
  s3_server server_;
  std::string prefix_;
};

/// A real store, by TABLETD_TEST_S3_ENDPOINT, ..._BUCKET and ..._CA (if it has one of its own) and the credentials of
/// the environment.
class outside_kind final : public store_kind {
public:
  static bool is_there() { return std::getenv("TABLETD_TEST_S3_ENDPOINT") && std::getenv("TABLETD_TEST_S3_BUCKET"); }
  std::unique_ptr<remote_store> connect() override {
    const char* ca_file = std::getenv("TABLETD_TEST_S3_CA");
    return std::make_unique<s3_remote_store>(s3_config{.endpoint = std::getenv("TABLETD_TEST_S3_ENDPOINT"),
                                                       .bucket = std::getenv("TABLETD_TEST_S3_BUCKET"),
                                                       .prefix = prefix_,
                                                       .ca_file = ca_file ? ca_file : "",
                                                       .part_bytes = 5U << 20},
                                             real_surroundings([] { return credentials_of_environment(::getenv); }));
  }

private:
  std::string prefix_ = "contract/" + hex(random_number());
};

std::vector<contract_case> stores() {
  std::vector<contract_case> all{{"Directory", [] { return std::make_unique<directory_kind>(); }},
                                 {"S3", [] { return std::make_unique<s3_kind>("clusters/c1"); }}};
  if (outside_kind::is_there())
    all.push_back({"Outside", [] { return std::make_unique<outside_kind>(); }});
  return all;
}

class RemoteStoreContract : public ::testing::TestWithParam<contract_case> {
protected:
  std::vector<std::string> keys_of(const object_page& page) {
    std::vector<std::string> keys;
    for (const auto& entry : page.entries)
      keys.push_back(entry.key);
    return keys;
  }
  std::unique_ptr<store_kind> kind = GetParam().make();
  std::unique_ptr<remote_store> store = kind->connect();
};

TEST_P(RemoteStoreContract, WhatWasPutIsRead) {
  store->put("data/10/r1_0.dat", source_of("forty-two bytes"), unhurried);
  EXPECT_EQ(read_all(*store, "data/10/r1_0.dat"), "forty-two bytes");
  EXPECT_EQ(store->head("data/10/r1_0.dat", unhurried), (object_entry{"data/10/r1_0.dat", 15}));
  store->put("data/10/r1_0.dat", source_of("others"), unhurried);
  EXPECT_EQ(read_all(*kind->connect(), "data/10/r1_0.dat"), "others");
}

TEST_P(RemoteStoreContract, AnObjectMayBeEmpty) {
  store->put("empty", source_of(""), unhurried);
  EXPECT_EQ(store->head("empty", unhurried).size_bytes, 0U);
  EXPECT_EQ(read_range(*store, "empty", 0, 10), "");
}

TEST_P(RemoteStoreContract, EveryLetterOfAKeyMeansItself) {
  const std::string key = "A-Z/a.z/0_9~/k=v:w+x@y";
  store->put(key, source_of("here"), unhurried);
  EXPECT_EQ(read_all(*store, key), "here");
  EXPECT_EQ(keys_of(store->list("A-Z/a.z/0_9~/k=v:w+", "", 10, unhurried)), std::vector{key});
}

TEST_P(RemoteStoreContract, ARangeEndsWhereTheObjectEnds) {
  store->put("digits", source_of("0123456789"), unhurried);
  EXPECT_EQ(read_range(*store, "digits", 3, 4), "3456");
  EXPECT_EQ(read_range(*store, "digits", 8, 100), "89");
  EXPECT_EQ(read_range(*store, "digits", 10, 5), "");
  EXPECT_EQ(read_range(*store, "digits", 1'000'000, 5), "");
  EXPECT_EQ(read_range(*store, "digits", 4, 0), "");
}

TEST_P(RemoteStoreContract, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(fault_of([&] { (void)read_range(*store, "no/such", 0, 5); }), remote_fault::not_found);
  EXPECT_EQ(fault_of([&] { (void)read_range(*store, "no/such", 0, 0); }), remote_fault::not_found);
  EXPECT_EQ(fault_of([&] { (void)store->head("no/such", unhurried); }), remote_fault::not_found);
  EXPECT_EQ(fault_of([&] { store->remove("no/such", unhurried); }), std::nullopt);
}

TEST_P(RemoteStoreContract, RemovedIsGone) {
  store->put("data/a", source_of("1"), unhurried);
  store->put("data/b", source_of("2"), unhurried);
  store->remove("data/a", unhurried);
  EXPECT_EQ(fault_of([&] { (void)store->head("data/a", unhurried); }), remote_fault::not_found);
  EXPECT_EQ(keys_of(store->list("", "", 10, unhurried)), std::vector<std::string>{"data/b"});
}

TEST_P(RemoteStoreContract, TheSecondOfTwoConditionalPutsIsRefused) {
  store->put_if_absent("10.1.meta", source_of("first"), unhurried);
  const auto second = ending_of([&] { kind->connect()->put_if_absent("10.1.meta", source_of("second"), unhurried); });
  EXPECT_EQ(second.fault, remote_fault::exists_already);
  EXPECT_NE(second.sentence.find("10.1.meta"), std::string::npos) << second.sentence;
  EXPECT_EQ(read_all(*store, "10.1.meta"), "first");
  store->remove("10.1.meta", unhurried);
  store->put_if_absent("10.1.meta", source_of("third"), unhurried);
  EXPECT_EQ(read_all(*store, "10.1.meta"), "third");
}

TEST_P(RemoteStoreContract, OfManyWritersAtOnceOneWins) {
  constexpr int writers = 8, keys = 5;
  for (int key = 0; key < keys; ++key) {
    const std::string name = "data/race/" + std::to_string(key);
    std::latch all_are_connected(writers);
    std::atomic<int> won{0}, refused{0};
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < writers; ++writer)
      threads.emplace_back([&, writer] {
        const auto mine = kind->connect();
        all_are_connected.arrive_and_wait();
        const auto fault = fault_of([&] { mine->put_if_absent(name, source_of(std::to_string(writer)), unhurried); });
        (fault ? refused : won) += !fault || fault == remote_fault::exists_already ? 1 : 100;
      });
    threads.clear();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(refused, writers - 1);
    EXPECT_EQ(store->head(name, unhurried).size_bytes, 1U);
  }
}

TEST_P(RemoteStoreContract, ManyPartsArriveInOrder) {
  const auto text = pattern(11'000'003);  // Parts of 1 MiB, or of the 5 that S3 wants.
  store->put("large", source_of(text), unhurried);
  EXPECT_EQ(store->head("large", unhurried).size_bytes, text.size());
  EXPECT_TRUE(read_all(*store, "large") == text);
  EXPECT_TRUE(read_range(*store, "large", 1'048'570, 4096) == text.substr(1'048'570, 4096));
  EXPECT_EQ(fault_of([&] { store->put_if_absent("large", source_of(text), unhurried); }), remote_fault::exists_already);
  store->put_if_absent("large2", source_of(text), unhurried);
  EXPECT_TRUE(read_all(*store, "large2") == text);
}

TEST_P(RemoteStoreContract, ARangeOfAFileIsPut) {
  const temporary_directory directory;
  const auto text = pattern(3'000'000);
  write_file_durably(directory.path() / "segment", std::as_bytes(std::span(text)));
  const open_file file(directory.path() / "segment", O_RDONLY);
  store->put("segment", put_source(file, 1000, 2'500'000), unhurried);
  EXPECT_TRUE(read_all(*store, "segment") == text.substr(1000, 2'500'000));
  EXPECT_THROW(store->put("too_much", put_source(file, 1000, 3'000'000), unhurried), storage_error);
  EXPECT_EQ(fault_of([&] { (void)store->head("too_much", unhurried); }), remote_fault::not_found);
}

TEST_P(RemoteStoreContract, PagesHoldEveryKeyOnceInByteOrder) {
  const std::vector<std::string> keys{"a-b/x", "a.b", "a/b/c", "a/b=c", "a/c", "a0", "b/a", "b/b"};
  for (const auto& key : keys)
    store->put(key, source_of(key), unhurried);
  for (const std::size_t keys_max : {1, 2, 3, 7, 8, 9}) {
    std::vector<std::string> found;
    std::string after;
    do {
      const auto page = store->list("", after, keys_max, unhurried);
      ASSERT_LE(page.entries.size(), keys_max);
      for (const auto& entry : page.entries) {
        found.push_back(entry.key);
        EXPECT_EQ(entry.size_bytes, entry.key.size());
      }
      after = page.next;
    } while (!after.empty());
    EXPECT_EQ(found, keys) << keys_max << " a page";
  }
  EXPECT_EQ(keys_of(store->list("a/b", "", 10, unhurried)), (std::vector<std::string>{"a/b/c", "a/b=c"}));
  EXPECT_EQ(keys_of(store->list("a/", "a/b/c", 10, unhurried)), (std::vector<std::string>{"a/b=c", "a/c"}));
  EXPECT_EQ(keys_of(store->list("b/", "a/c", 10, unhurried)), (std::vector<std::string>{"b/a", "b/b"}));
  EXPECT_EQ(keys_of(store->list("c", "", 10, unhurried)), std::vector<std::string>{});
}

TEST_P(RemoteStoreContract, KeysThatAreNoneAreRefused) {
  for (const std::string key :
       {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.b", "a b", "a\\b", "a%2Fb", "a\nb", "\xc3\xa4"}) {
    EXPECT_EQ(fault_of([&] { store->put(key, source_of("x"), unhurried); }), remote_fault::unusable) << key;
    EXPECT_EQ(fault_of([&] { store->put_if_absent(key, source_of("x"), unhurried); }), remote_fault::unusable) << key;
    EXPECT_EQ(fault_of([&] { (void)read_range(*store, key, 0, 1); }), remote_fault::unusable) << key;
    EXPECT_EQ(fault_of([&] { (void)store->head(key, unhurried); }), remote_fault::unusable) << key;
    EXPECT_EQ(fault_of([&] { store->remove(key, unhurried); }), remote_fault::unusable) << key;
  }
  EXPECT_EQ(fault_of([&] { (void)store->list("../", "", 10, unhurried); }), remote_fault::unusable);
  EXPECT_EQ(fault_of([&] { (void)store->list("", "", 0, unhurried); }), remote_fault::unusable);
  EXPECT_EQ(fault_of([&] { (void)store->list("", "", 1001, unhurried); }), remote_fault::unusable);
  EXPECT_TRUE(store->list("", "", 10, unhurried).entries.empty());
}

TEST_P(RemoteStoreContract, NothingBeginsWhenTheTimeIsOver) {
  store->put("a", source_of("old"), unhurried);
  const auto over = [] { return 0ms; };
  const auto stopped = ending_of([&] { store->put("a", source_of("new"), over); });
  EXPECT_EQ(stopped.fault, remote_fault::stopped);
  EXPECT_NE(stopped.sentence.find("cannot put a in " + store->name()), std::string::npos) << stopped.sentence;
  EXPECT_EQ(fault_of([&] { store->put_if_absent("b", source_of("new"), over); }), remote_fault::stopped);
  EXPECT_EQ(fault_of([&] { store->remove("a", over); }), remote_fault::stopped);
  EXPECT_EQ(fault_of([&] { (void)store->head("a", over); }), remote_fault::stopped);
  EXPECT_EQ(fault_of([&] { (void)store->list("", "", 1, over); }), remote_fault::stopped);
  std::byte one{};
  EXPECT_EQ(fault_of([&] { (void)store->get("a", 0, std::span(&one, 1), over); }), remote_fault::stopped);
  EXPECT_EQ(keys_of(store->list("", "", 10, unhurried)), std::vector<std::string>{"a"});
  EXPECT_EQ(read_all(*store, "a"), "old");
}

TEST_P(RemoteStoreContract, APutThatIsCalledOffLeavesNothing) {
  const auto text = pattern(5'000'000);
  for (int questions = 1; questions < 5; ++questions) {
    int asked = 0;
    const auto soon_over = [&] { return ++asked > questions ? 0ms : 1h; };
    EXPECT_EQ(fault_of([&] { store->put("large", source_of(text), soon_over); }), remote_fault::stopped);
    EXPECT_TRUE(store->list("", "", 10, unhurried).entries.empty());
  }
}

TEST_P(RemoteStoreContract, TheProbeFindsConditionalCreate) {
  const auto outcome = probe_conditional_create(*store, 17, unhurried);
  EXPECT_TRUE(outcome.conditional_create) << outcome.sentence;
  EXPECT_EQ(keys_of(store->list("", "", 10, unhurried)), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Stores, RemoteStoreContract, ::testing::ValuesIn(stores()),
                         [](const auto& chosen) { return chosen.param.name; });

}  // namespace
