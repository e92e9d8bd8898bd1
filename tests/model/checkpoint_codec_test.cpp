// Every word members say about checkpoints, to the wire and back.
#include "actors/codec/checkpoint_codec.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <kj/exception.h>

namespace tabletd {
namespace {

using namespace model;

/// As bytes: what is equal there is equal.
std::string wire_of(const checkpoint_word& word) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::CheckpointMail>();
  codec::fill(root, word);
  const auto words = capnp::canonicalize(root.asReader());
  return {reinterpret_cast<const char*>(words.asBytes().begin()), words.asBytes().size()};
}
checkpoint_word round_trip(const checkpoint_word& word, node_id from) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::CheckpointMail>();
  codec::fill(root, word);
  return codec::decode(root.asReader(), from);
}

TEST(CheckpointCodec, EveryWordComesBack) {
  const image_mark image{42, 1'000, 0xdeadbeef};
  const attempt_id attempt{3, 7, 41};
  const std::vector<checkpoint_word> words{
    facts_asked{3, 9},
    facts_told{3, {5, 9, 77, 12, 100, 50, {image, {40, 900, 1}}}},
    attempt_ordered{attempt},
    attempt_polled{attempt},
    attempt_cancelled{attempt},
    worker_said{5, 77, attempt, attempt_accepted{}},
    worker_said{5, 77, attempt, attempt_refused{attempt_refusal::busy}},
    worker_said{5, 77, attempt, attempt_running{10, 20}},
    worker_said{5, 77, attempt, attempt_done{image}},
    worker_said{5, 77, attempt, attempt_failed{attempt_failure::disk_full, "no room"}},
    worker_said{5, 77, attempt, attempt_unknown{}},
    chunk_asked{image, 512},
    chunk_given{image, 512, {std::byte{1}, std::byte{0}, std::byte{255}}},
    chunk_given{image, 512, {}},
    image_offer{3, image, true},
    push_progressed{5},
    push_acked{5, 77, image},
    push_refused{5, 42},
    deletion_ordered{3, 40, true},
  };
  for (const auto& word : words) {
    const auto back = round_trip(word, 5);
    EXPECT_EQ(back.index(), word.index());
    EXPECT_EQ(wire_of(back), wire_of(word)) << "alternative " << word.index();
  }
  const auto told = std::get<facts_told>(round_trip(words[1], 6));
  EXPECT_EQ(told.facts.member, 6U) << "who sent it, not what it says";
  EXPECT_EQ(told.facts.images, (std::vector<image_mark>{image, {40, 900, 1}}));
  EXPECT_EQ(told.facts.deleted, 50U);
  EXPECT_EQ(std::get<attempt_failed>(std::get<worker_said>(round_trip(words[9], 5)).answer).why, "no room");
}

TEST(CheckpointCodec, WhatMakesNoSenseIsRefused) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::CheckpointMail>();
  EXPECT_THROW((void)codec::decode(root.asReader(), 1), kj::Exception);
  root.initAttemptAnswered().setRefused(200);
  EXPECT_THROW((void)codec::decode(root.asReader(), 1), kj::Exception);
}

} // namespace
} // namespace tabletd
