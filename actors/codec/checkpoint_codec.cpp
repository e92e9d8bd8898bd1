// See checkpoint_codec.h.
#include "actors/codec/checkpoint_codec.h"

#include <kj/debug.h>

#include <cstring>

namespace tabletd::codec {

namespace {

using model::image_mark;
using mail = wire::CheckpointMail;

void fill(wire::ImageDescriptor::Builder to, const image_mark& from) {
  to.setId(from.id);
  to.setBytes(from.bytes);
  to.setCrc32c(from.crc32c);
}
image_mark mark_of(wire::ImageDescriptor::Reader from) { return {from.getId(), from.getBytes(), from.getCrc32c()}; }

void fill(wire::Attempt::Builder to, const model::attempt_id& from) {
  to.setEpoch(from.epoch);
  to.setAttempt(from.attempt);
  to.setJournalId(from.journal_id);
}
model::attempt_id attempt_of(wire::Attempt::Reader from) {
  return {model::term{from.getEpoch()}, from.getAttempt(), from.getJournalId()};
}

void fill(wire::FactsTold::Builder to, const model::facts_told& from) {
  to.setEpoch(from.epoch);
  to.setBeat(from.facts.beat);
  to.setBoot(from.facts.boot);
  to.setMemoryPercent(from.facts.memory_percent);
  to.setApplied(from.facts.applied);
  to.setDeleted(from.facts.deleted);
  auto images = to.initImages(static_cast<unsigned>(from.facts.images.size()));
  for (unsigned i = 0; i < images.size(); ++i)
    fill(images[i], from.facts.images[i]);
}
model::facts_told facts_of(wire::FactsTold::Reader from, model::node_id member) {
  model::member_seen facts{member, from.getBeat(), from.getBoot(), from.getMemoryPercent(), from.getApplied(), from.getDeleted(), {}};
  for (const auto image : from.getImages())
    facts.images.push_back(mark_of(image));
  return {model::term{from.getEpoch()}, std::move(facts)};
}

void fill(wire::AttemptAnswer::Builder to, const model::worker_said& from) {
  fill(to.initAttempt(), from.attempt);
  to.setBoot(from.boot);
  std::visit(model::overloaded{
               [&](const model::attempt_accepted&) { to.setAccepted(); },
               [&](const model::attempt_refused& a) { to.setRefused(static_cast<std::uint8_t>(a.why)); },
               [&](const model::attempt_running& a) {
                 auto running = to.initRunning();
                 running.setReplayed(a.replayed);
                 running.setBytesWritten(a.bytes_written);
               },
               [&](const model::attempt_done& a) { fill(to.initDone(), a.image); },
               [&](const model::attempt_failed& a) {
                 auto failed = to.initFailed();
                 failed.setKind(static_cast<std::uint8_t>(a.kind));
                 failed.setWhy(a.why.c_str());
               },
               [&](const model::attempt_unknown&) { to.setUnknown(); },
             },
             from.answer);
}
model::worker_answer answer_of(wire::AttemptAnswer::Reader from) {
  using answer = wire::AttemptAnswer;
  switch (from.which()) {
    case answer::ACCEPTED: return model::attempt_accepted{};
    case answer::REFUSED:
      KJ_REQUIRE(from.getRefused() <= static_cast<std::uint8_t>(model::attempt_refusal::busy), "a refusal of a later version");
      return model::attempt_refused{static_cast<model::attempt_refusal>(from.getRefused())};
    case answer::RUNNING: return model::attempt_running{from.getRunning().getReplayed(), from.getRunning().getBytesWritten()};
    case answer::DONE: return model::attempt_done{mark_of(from.getDone())};
    case answer::FAILED:
      KJ_REQUIRE(from.getFailed().getKind() <= static_cast<std::uint8_t>(model::attempt_failure::other), "a failure of a later version");
      return model::attempt_failed{static_cast<model::attempt_failure>(from.getFailed().getKind()), from.getFailed().getWhy().cStr()};
    case answer::UNKNOWN: return model::attempt_unknown{};
  }
  KJ_FAIL_REQUIRE("an answer of a kind this version does not know");
}

void fill(wire::Chunk::Builder to, const image_mark& image, std::uint64_t offset, const std::vector<std::byte>& bytes) {
  fill(to.initImage(), image);
  to.setOffset(offset);
  if (!bytes.empty())
    to.setBytes({reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()});
}
model::chunk_given chunk_of(wire::Chunk::Reader from) {
  const auto bytes = from.getBytes();
  const auto* first = reinterpret_cast<const std::byte*>(bytes.begin());
  return {mark_of(from.getImage()), from.getOffset(), {first, first + bytes.size()}};
}

struct filler {
  mail::Builder to;

  void operator()(const model::facts_asked& w) {
    auto out = to.initFactsAsked();
    out.setEpoch(w.epoch);
    out.setBeat(w.beat);
  }
  void operator()(const model::facts_told& w) { fill(to.initFactsTold(), w); }
  void operator()(const model::attempt_ordered& w) { fill(to.initAttemptOrdered(), w.attempt); }
  void operator()(const model::attempt_polled& w) { fill(to.initAttemptPolled(), w.attempt); }
  void operator()(const model::attempt_cancelled& w) { fill(to.initAttemptCancelled(), w.attempt); }
  void operator()(const model::worker_said& w) { fill(to.initAttemptAnswered(), w); }
  void operator()(const model::chunk_asked& w) { fill(to.initChunkAsked(), w.image, w.offset, {}); }
  void operator()(const model::chunk_given& w) { fill(to.initChunkGiven(), w.image, w.offset, w.bytes); }
  void operator()(const model::image_offer& w) {
    auto out = to.initImageOffered();
    out.setEpoch(w.epoch);
    fill(out.initImage(), w.image);
    out.setResync(w.resync);
  }
  void operator()(const model::push_progressed&) { to.setImageProgressed(); }
  void operator()(const model::push_acked& w) {
    auto out = to.initImageAcked();
    out.setBoot(w.boot);
    fill(out.initImage(), w.image);
  }
  void operator()(const model::push_refused& w) { to.setImageRefused(w.image_id); }
  void operator()(const model::deletion_ordered& w) {
    auto out = to.initDeletionOrdered();
    out.setEpoch(w.epoch);
    out.setUpto(w.upto);
    out.setPressed(w.pressed);
  }
};

} // namespace

void fill(mail::Builder to, const model::checkpoint_word& what) { std::visit(filler{to}, what); }

model::checkpoint_word decode(mail::Reader what, model::node_id from) {
  switch (what.which()) {
    case mail::FACTS_ASKED: return model::facts_asked{model::term{what.getFactsAsked().getEpoch()}, what.getFactsAsked().getBeat()};
    case mail::FACTS_TOLD: return facts_of(what.getFactsTold(), from);
    case mail::ATTEMPT_ORDERED: return model::attempt_ordered{attempt_of(what.getAttemptOrdered())};
    case mail::ATTEMPT_POLLED: return model::attempt_polled{attempt_of(what.getAttemptPolled())};
    case mail::ATTEMPT_CANCELLED: return model::attempt_cancelled{attempt_of(what.getAttemptCancelled())};
    case mail::ATTEMPT_ANSWERED: {
      const auto w = what.getAttemptAnswered();
      return model::worker_said{from, w.getBoot(), attempt_of(w.getAttempt()), answer_of(w)};
    }
    case mail::CHUNK_ASKED: return model::chunk_asked{mark_of(what.getChunkAsked().getImage()), what.getChunkAsked().getOffset()};
    case mail::CHUNK_GIVEN: return chunk_of(what.getChunkGiven());
    case mail::IMAGE_OFFERED: {
      const auto w = what.getImageOffered();
      return model::image_offer{model::term{w.getEpoch()}, mark_of(w.getImage()), w.getResync()};
    }
    case mail::IMAGE_PROGRESSED: return model::push_progressed{from};
    case mail::IMAGE_ACKED: return model::push_acked{from, what.getImageAcked().getBoot(), mark_of(what.getImageAcked().getImage())};
    case mail::IMAGE_REFUSED: return model::push_refused{from, what.getImageRefused()};
    case mail::DELETION_ORDERED: {
      const auto w = what.getDeletionOrdered();
      return model::deletion_ordered{model::term{w.getEpoch()}, w.getUpto(), w.getPressed()};
    }
    case mail::UNSET: break;
  }
  KJ_FAIL_REQUIRE("checkpoint mail of a kind this version does not know", static_cast<unsigned>(what.which()));
}

std::size_t words_of(const model::checkpoint_word& what) {
  const auto* chunk = std::get_if<model::chunk_given>(&what);
  return 64 + (chunk ? chunk->bytes.size() / sizeof(capnp::word) : 0);
}

} // namespace tabletd::codec
