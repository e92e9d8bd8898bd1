#include "actors/codec/remote_meta_codec.h"

#include "schemas/remote.capnp.h"
#include "schemas/sealed.h"

#include <cstring>
#include <string_view>

namespace tabletd::codec {

namespace {

/// Another layout gets another number.
constexpr std::string_view head{"tabletd-meta 1\n\0", 16};

}  // namespace

std::vector<std::byte> encode_object(const model::remote_meta& meta) {
  const auto sealed = seal<wire::RemoteMeta>(
      [&](auto to) {
        to.setTablet(model::raw(meta.tablet));
        to.setUploader(model::raw(meta.uploader));
        to.setTerm(meta.id.term);
        to.setSeq(meta.id.seq);
        to.setResource(model::raw(meta.resource));
        auto list = to.initRowsets(static_cast<unsigned>(meta.rowsets.size()));
        for (unsigned i = 0; i < list.size(); ++i) {
          const auto& rowset = meta.rowsets[i];
          list[i].setObject(rowset.object.c_str());
          list[i].setTxn(model::raw(rowset.txn));
          list[i].setFirst(rowset.first_version);
          list[i].setLast(rowset.last_version);
          list[i].setRows(rowset.rows);
          list[i].setBytes(rowset.bytes);
          list[i].setBlocks(rowset.blocks);
        }
      },
      16 + meta.rowsets.size() * 20);
  const auto words = sealed.words().asBytes();
  std::vector<std::byte> object(head.size() + words.size());
  std::memcpy(object.data(), head.data(), head.size());
  std::memcpy(object.data() + head.size(), words.begin(), words.size());
  return object;
}

model::remote_meta decode_remote_meta(std::span<const std::byte> object) {
  KJ_REQUIRE(object.size() > head.size() && std::memcmp(object.data(), head.data(), head.size()) == 0
                 && object.size() % sizeof(capnp::word) == 0,
             "this is no list of remote rowsets in a format this build knows");
  const auto body = object.subspan(head.size());
  auto words = kj::heapArray<capnp::word>(body.size() / sizeof(capnp::word));
  std::memcpy(words.asBytes().begin(), body.data(), body.size());
  const auto sealed_meta = sealed<wire::RemoteMeta>::parse(words);
  const auto from = sealed_meta.get();
  model::remote_meta meta{model::tablet_id{from.getTablet()},
                          model::replica_id{from.getUploader()},
                          {from.getTerm(), from.getSeq()},
                          model::resource_id{from.getResource()},
                          {}};
  for (const auto rowset : from.getRowsets())
    meta.rowsets.push_back({rowset.getObject().cStr(), model::txn_id{rowset.getTxn()}, rowset.getFirst(), rowset.getLast(),
                            rowset.getRows(), rowset.getBytes(), rowset.getBlocks()});
  return meta;
}

}  // namespace tabletd::codec
