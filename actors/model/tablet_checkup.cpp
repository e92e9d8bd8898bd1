#include "actors/model/tablet_checkup.h"
#include "actors/model/health.h"
#include "actors/model/transfer_plan.h"

namespace tabletd::model {

namespace {

std::string text(std::uint64_t n) { return std::to_string(n); }

/// Collects what is wrong with some replicas; "OK" if nothing is.
class findings {
public:
  void add(const std::string& what) { text_ += (text_.empty() ? "" : ", ") + what; }
  [[nodiscard]] std::string info() const { return text_.empty() ? "OK" : text_; }
  [[nodiscard]] std::string advice(std::string_view if_any) const { return text_.empty() ? "" : std::string{if_any}; }

private:
  std::string text_;
};

checkup_item number_of_replicas(const catalog& cat, const tablet& t, const table& owner) {
  const auto has = t.replicas.size();
  if (has == owner.replication_num)
    return {"ReplicasNum", "OK", ""};
  return {"ReplicasNum", text(has) + " replicas, " + text(owner.replication_num) + " are wanted",
          cat.orders.contains(t.id) ? "a copy is under way: EXPLAIN TABLET " + text(raw(t.id))
                                    : "EXPLAIN TABLET " + text(raw(t.id)) + " says what is done about it"};
}

checkup_item backends(const catalog& cat, const tablet& t) {
  findings found;
  for (const auto& r : t.replicas) {
    const auto* b = cat.backends.find(r.backend);
    if (!b)
      found.add("backend " + text(raw(r.backend)) + " is not in the cluster");
    else if (!b->alive)
      found.add("backend " + described(cat, b->id) + " is down");
    else if (b->decommissioned)
      found.add("backend " + described(cat, b->id) + " is being decommissioned");
  }
  return {"ReplicaBackendStatus", found.info(),
          found.advice("bring back what is down; SHOW BACKENDS says why it is not linked")};
}

checkup_item versions(const catalog& cat, const tablet& t) {
  findings found;
  const auto visible = cat.visible_version(t);
  for (const auto& r : t.replicas)
    if (r.last_failed > 0)
      found.add("replica " + text(raw(r.id)) + " is at " + text(r.version) + " and missed " + text(r.last_failed));
    else if (r.version < visible)
      found.add("replica " + text(raw(r.id)) + " is at " + text(r.version) + " of " + text(visible));
  return {"ReplicaVersionStatus", found.info(),
          found.advice("repair copies the missing versions from a complete replica")};
}

checkup_item replicas(const tablet& t) {
  findings found;
  for (const auto& r : t.replicas)
    if (r.set_bad)
      found.add("replica " + text(raw(r.id)) + " was declared bad");
    else if (r.bad)
      found.add("replica " + text(raw(r.id)) + " is damaged");
    else if (r.state == replica_state::clone)
      found.add("replica " + text(raw(r.id)) + " is being copied");
  return {"ReplicaStatus", found.info(), found.advice("repair replaces what is damaged")};
}

std::string replica_list(const tablet& t) {
  std::string out = "{";
  for (const auto& r : t.replicas)
    out += (out.size() == 1 ? "\"" : ", \"") + text(raw(r.id)) + "\":" + text(raw(r.backend));
  return out + '}';
}

} // namespace

replica_status status_of(const catalog& cat, const tablet& t, const replica& r) {
  const auto* b = cat.backends.find(r.backend);
  if (!b || !b->alive || r.damaged())
    return replica_status::dead;
  if (r.version < cat.visible_version(t) || r.last_failed > 0)
    return replica_status::version_error;
  return replica_status::ok;
}

std::vector<checkup_item> check_up(const catalog& cat, tablet_id tablet) {
  const auto* t = cat.tablets.find(tablet);
  if (!t)
    return {{"TabletExist", "No",
             "the tablet was dropped with its table or partition, or never existed; SHOW TABLETS FROM a table lists "
             "its tablets"}};
  std::vector<checkup_item> out{{"TabletExist", "Yes", ""}, {"TabletId", text(raw(tablet)), ""}};
  // The fold keeps these levels together; who stops here has found a bug.
  const auto* owner = cat.table_of(*t);
  const auto* part = owner ? owner->find(t->partition) : nullptr;
  const auto* db = owner ? cat.databases.find(owner->database) : nullptr;
  const auto level = [&out](const char* item, bool there, const std::string& name, std::uint64_t id) {
    out.push_back(
        {item, there ? name + ": " + text(id) : "Not exist", there ? "" : "report this: the catalog is inconsistent"});
    return there;
  };
  if (!level("Database", db != nullptr, db ? db->name : "", db ? raw(db->id) : 0)
      || !level("Table", owner != nullptr, owner ? owner->name : "", owner ? raw(owner->id) : 0)
      || !level("Partition", part != nullptr, part ? part->name : "", part ? raw(part->id) : 0)
      || !level("MaterializedIndex", part != nullptr, owner->name, part->index_id))
    return out;
  out.push_back({"Replicas(ReplicaId -> BackendId)", replica_list(*t), ""});
  out.push_back(number_of_replicas(cat, *t, *owner));
  out.push_back(backends(cat, *t));
  out.push_back(versions(cat, *t));
  out.push_back(replicas(*t));
  out.push_back({"ReplicaCompactionStatus", "OK", ""}); // Rowsets are not compacted, so nothing can lag.
  return out;
}

} // namespace tabletd::model
