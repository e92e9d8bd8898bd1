// The list of a tablet's remote rowsets as it lies in a store: what an older build wrote a newer one must read.
#include "actors/codec/remote_meta_codec.h"

#include <gtest/gtest.h>
#include <kj/encoding.h>
#include <kj/exception.h>

#include <string>

namespace tabletd::codec {
namespace {

model::remote_meta sample() {
  return {model::tablet_id{10},
          model::replica_id{101},
          {3, 7},
          model::resource_id{9},
          {{"101.3.00000000000000ff.2-4.seg", model::txn_id{}, 2, 4, 5, 600, 2}, {"", model::txn_id{44}, 5, 5, 0, 0, 0}}};
}

std::string hex(std::span<const std::byte> bytes) {
  return kj::encodeHex({reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()}).cStr();
}

TEST(RemoteMetaCodec, WhatIsWrittenIsRead) { EXPECT_EQ(decode_remote_meta(encode_object(sample())), sample()); }

TEST(RemoteMetaCodec, TheBytesStayAsTheyAre) {
  EXPECT_EQ(hex(encode_object(sample())),
            "7461626c6574642d6d65746120310a0000000000050001000a0000000000000065000000000000000300000000000000"
            "070000000000000009000000000000000100000077000000080000000600010000000000000000000200000000000000"
            "04000000000000000500000000000000580200000000000002000000000000001d000000fa0000002c00000000000000"
            "05000000000000000500000000000000000000000000000000000000000000000000000000000000110000000a000000"
            "3130312e332e303030303030303030303030303066662e322d342e73656700000000000000000000");
}

TEST(RemoteMetaCodec, OtherBytesAreNoList) {
  const auto good = encode_object(sample());
  auto other_format = good;
  other_format[13] = std::byte{'9'};
  EXPECT_THROW(std::ignore = decode_remote_meta(other_format), kj::Exception);
  EXPECT_THROW(std::ignore = decode_remote_meta({}), kj::Exception);
  EXPECT_THROW(std::ignore = decode_remote_meta(std::span{good}.first(good.size() - 4)), kj::Exception);
  EXPECT_THROW(std::ignore = decode_remote_meta(std::span{good}.first(24)), kj::Exception);
}

}  // namespace
}  // namespace tabletd::codec
