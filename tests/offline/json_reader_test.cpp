// Files people write: what does not fit is refused by the name of its field.
#include "node/tabletctl/json_reader.h"
#include "node/tabletctl/paper_cluster.h"
#include <capnp/message.h>
#include <gtest/gtest.h>

namespace tabletd::ctl {
namespace {

/// What is said of it; empty: it was taken.
std::string said(std::string_view text) {
  try {
    capnp::MallocMessageBuilder message;
    auto to = message.initRoot<wire::OfflineCluster>();
    read_json(text, to);
    (void)build(to.asReader());
    return "";
  } catch (const json_failure& why) {
    return why.what();
  }
}

std::string with_backends(const std::string& rest) {
  return R"({"backends": [{"id": 1, "host": "a", "paths": [{"hash": 1}]}, )"
         R"({"id": 2, "host": "b", "paths": [{"hash": 1}, {"hash": 2}]}])"
         + rest + "}";
}
std::string with_tablet(const std::string& tablet, const std::string& partition = R"("visibleVersion": 10)") {
  return with_backends(R"(, "tables": [{"name": "t", "partitions": [{)" + partition + R"(, "tablets": [)" + tablet
                       + "]}]}]");
}
const std::string first_replica = "tables[0].partitions[0].tablets[0].replicas[0]";

TEST(JsonReader, ValuesThatDoNotFit) {
  EXPECT_EQ(said(R"({"backend": []})"), "backend: there is no such field; did you mean backends?");
  EXPECT_EQ(said(R"({"backends": {}})"), "backends: expected a list, found an object");
  EXPECT_EQ(said(R"({"backends": [null]})"), "backends[0]: expected an object, found null");
  EXPECT_EQ(said(R"({"backends": [{"id": 1.5}]})"), "backends[0].id: 1.5 is not a whole number from 0 on");
  EXPECT_EQ(said(R"({"backends": [{"id": "12x"}]})"), "backends[0].id: '12x' is not a whole number");
  EXPECT_EQ(said(R"({"backends": [{"id": 1e16}]})"),
            "backends[0].id: is beyond 2^53, which JSON does not carry exactly; write it as a string");
  EXPECT_EQ(said(R"({"backends": [{"port": 65536}]})"), "backends[0].port: 65536 is more than 65535");
  EXPECT_EQ(said(R"({"backends": [{"alive": 1}]})"), "backends[0].alive: expected true or false, found a number");
  EXPECT_EQ(said(R"({"backends": [{"host": 1}]})"), "backends[0].host: expected a string, found a number");
  EXPECT_EQ(said(R"({"backends": [{"paths": [{"medium": "sssd"}]}]})"),
            "backends[0].paths[0].medium: there is no 'sssd' here; did you mean ssd?");
  EXPECT_EQ(said(R"({"slotsPerPath": 2, "slotsPerPath": 2})"), "slotsPerPath: is given twice");
  EXPECT_EQ(said(R"({"fit": {"highWatermark": "1"}})"), "fit.highWatermark: expected a number, found a string");
  EXPECT_EQ(said("[1]"), "the document: expected an object, found a list");
  EXPECT_EQ(said(R"({"backends": )").substr(0, 14), "it is not JSON");
}

TEST(PaperCluster, BackendsThatDoNotFit) {
  EXPECT_EQ(said("{}"), "backends: a cluster has at least one");
  EXPECT_EQ(said(R"({"backends": [{"host": "a"}]})"), "backends[0].id: is required");
  EXPECT_EQ(said(R"({"backends": [{"id": 1}]})"), "backends[0].host: is required");
  EXPECT_EQ(said(R"({"backends": [{"id": 1, "host": "a"}]})"), "backends[0].paths: a backend has at least one");
  EXPECT_EQ(said(R"({"backends": [{"id": 1, "host": "a", "paths": [{"hash": 1}, {"hash": 1}]}]})"),
            "backends[0].paths[1].hash: 1 is another path's already");
  EXPECT_EQ(
    said(R"({"backends": [{"id": 1, "host": "a", "paths": [{"hash": 1, "capacityBytes": 5, "usedBytes": 6}]}]})"),
    "backends[0].paths[0].usedBytes: 6 is more than the capacity");
  EXPECT_EQ(
    said(
      R"({"backends": [{"id": 1, "host": "a", "paths": [{"hash": 1}]}, )"
      R"({"id": 2, "host": "a", "paths": [{"hash": 1}]}]})"),
    "backends[1]: the catalog refuses it: backend_already_added");
  EXPECT_EQ(said(R"({"slotsPerPath": 0, "backends": []})"), "slotsPerPath: at least one copy must be able to run");
  EXPECT_EQ(said(with_backends("")), "");
}

TEST(PaperCluster, ReplicasThatDoNotFit) {
  EXPECT_EQ(said(with_tablet("{}")), "tables[0].partitions[0].tablets[0].replicas: a tablet has at least one");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 3}]})")), first_replica + ".backend: there is no backend 3");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1, "path": 2}]})")),
            first_replica + ".path: backend 1 has no path 2");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1, "version": 11}]})")),
            first_replica + ".version: 11 is beyond the visible version 10");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1, "version": 8, "lastFailed": 8}]})")),
            first_replica + ".lastFailed: a replica at version 8 of 10 missed one in between");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1, "lastFailed": 9}]})")),
            first_replica + ".lastFailed: a replica at the visible version has missed none");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1, "version": 8, "lastSuccess": 7}]})")),
            first_replica + ".lastSuccess: lies from its version 8 to the visible one 10");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1}, {"backend": 1}]})")),
            "tables[0].partitions[0].tablets[0].replicas[1].backend: the tablet has a replica on backend 1 already");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1, "id": 7}, {"backend": 2, "id": 7}]})")),
            "tables[0].partitions[0].tablets[0].replicas[1].id: 7 is another replica's already");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1}], "copy": {"source": 2, "target": 1}})")),
            "tables[0].partitions[0].tablets[0].copy.source: the tablet has no complete replica on backend 2");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1}], "move": {"from": 1, "to": 2}})")),
            "tables[0].partitions[0].tablets[0].move.to: the tablet has no other replica on backend 2");
  EXPECT_EQ(said(with_tablet(R"({"replicas": [{"backend": 1}]})")), "");
}

TEST(PaperCluster, TablesThatDoNotFit) {
  EXPECT_EQ(said(with_backends(R"(, "tables": [{"name": "t"}])")), "tables[0].partitions: a table has at least one");
  EXPECT_EQ(said(with_tablet("", R"("visibleVersion": 0)")),
            "tables[0].partitions[0].visibleVersion: an empty partition is at version 1");
  EXPECT_EQ(said(with_tablet("")),
            "tables[0].partitions[0].tablets: every partition of a table has as many tablets, and at least one");
  EXPECT_EQ(
    said(with_backends(
      R"(, "tables": [{"name": "t", "colocateGroup": "g", )"
      R"("partitions": [{"tablets": [{"replicas": [{"backend": 1}]}]}]}])")),
    "tables[0].colocateGroup: there is no colocation group 'g'");
  EXPECT_EQ(said(with_backends(R"(, "colocateGroups": [{"name": "g", "buckets": [{"backends": [1, 2]}]}])")),
            "colocateGroups: no table is in 'g'");
  EXPECT_EQ(said(with_backends(R"(, "colocateGroups": [{"name": "g", "buckets": [{"backends": [1, 5]}]}])")),
            "colocateGroups[0].buckets[0].backends[1]: there is no backend 5");
}

TEST(PaperCluster, ARunningCopyHoldsItsSlotsAndItsTabletWaits) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::OfflineCluster>();
  read_json(
    with_tablet(R"({"bytes": 5, "replicas": [{"backend": 1}], "copy": {"source": 1, "target": 2, "targetPath": 2}})"),
    to);
  const auto made = build(to.asReader());
  EXPECT_EQ(made.slots.used({model::backend_id{1}, model::path_hash{1}}), 1U);
  EXPECT_EQ(made.slots.used({model::backend_id{2}, model::path_hash{2}}), 1U);
  EXPECT_EQ(made.slots.incoming_bytes({model::backend_id{2}, model::path_hash{2}}), 5U);
  made.cat.tablets.for_each([&](model::tablet_id id, const model::tablet& t) {
    EXPECT_EQ(t.replicas.size(), 2U);
    EXPECT_EQ(model::decide(made.view(), id).blocked, model::blocker::order_open);
  });
}

} // namespace
} // namespace tabletd::ctl
