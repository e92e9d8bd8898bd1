// What each side promises the other (spec/jobs.md U1, U7, U9, B9), looked at when it is given.  Some of these rules stand behind
// others: a breach does no harm by itself, and no history would show it otherwise.
#include "tests/model/cooldown_simulation.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

/// A lease comes from acknowledgements of its own term only, and from when their reports were sent.
void cooldown_simulation::check_lease(const backend& b) const {
  if (!b.process || !b.process->leads(b.its.show(now_)))
    return;
  const auto acked = b.acks.find(b.process->known_term());
  require(acked != b.acks.end() && acked->second + uploader_lease > b.its.show(now_),
          "a backend believes longer than what was acknowledged of its term");
}

/// By what this leader knows; whether it leads at all is the log's part.
void cooldown_simulation::check_confirmation(const leader& l, const deletion_asked& asked) const {
  const auto view = view_of(l);
  const auto& conf = view.conf;
  require(asked.replica == conf.uploader && asked.term == conf.term, "a deletion is confirmed to another than the uploader");
  require(conf.published && conf.published->id == asked.id, "a deletion is confirmed for a set that is not the published one");
  require(view.replicas.size() >= view.replication_num, "a deletion is confirmed while a replica is missing");
  for (const auto& replica : view.replicas) {
    require(replica.alive, "a deletion is confirmed while a replica is away");
    require(l.heard.contains({replica.replica, conf.term}),
            "a deletion is confirmed though a replica has not reported in this term");
  }
}

void cooldown_simulation::check_confirmed(std::uint64_t request) const {
  require(confirmations_logged_.contains(request), "a deletion is confirmed by somebody of whom the log does not say that he leads");
}

void cooldown_simulation::check_deletion(const backend& b) const {
  require(b.its.show(now_) - b.deletion_asked_at < deletion_patience, "an object is deleted by a confirmation that is too old");
}

/// Also where a clone came in between (U9 c).
void cooldown_simulation::check_saved(const replica_disk& disk, const set_change& change) const {
  require(disk.id == change.from, "a set is saved over another than it was planned for");
}

/// Who is refused forgets what was asked: it must never become true.
void cooldown_simulation::check_refusal(std::uint64_t request, publication_verdict verdict) const {
  if (verdict == publication_verdict::accepted || verdict == publication_verdict::term_unknown)
    return;
  const auto& asked = publications_asked_.at(request);
  const bool is_over = conf_.term > asked.term || (conf_.term == asked.term && conf_.uploader != asked.replica);
  require(is_over || (conf_.published && conf_.published->id >= asked.meta.id),
          "a publication is refused for good that the log may still take");
}

}  // namespace tabletd::test
