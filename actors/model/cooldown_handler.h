#pragma once
// Cooldown of one tablet as the leader runs it: who may upload, what is published, which objects may be deleted.  Pure;
// lives and dies with one term of leadership, for tablets under a policy only.  What must outlive it is in the log
// (cooldown_conf); the rest it learns again from reports.
//
// Rules: spec/jobs.md B4 (U1, U2), B8, B9 (U7, U9), B14 (U8).
//
// Two promises the shell keeps:
//  * an acknowledgement leaves only after a quorum has confirmed, later than the report came, that this node leads.
//    Otherwise a deposed leader could prolong a lease its successor does not know of;
//  * what is proposed either commits in this term of leadership or is never heard of here again.
#include "actors/model/cooldown_rules.h"

#include <map>
#include <optional>
#include <variant>

namespace tabletd::model {

struct cooling_replica {
  replica_id replica{};
  bool alive = false;
  bool bad = false;
  bool clone = false;  ///< Not complete yet.
  bool complete = true;  ///< Has every visible version.
};
/// The tablet by the catalog and the cluster view, as of the step.
struct cooling_tablet {
  tablet_id tablet{};
  std::uint32_t replication_num{};
  version visible{};
  bool clone_under_way = false;  ///< Ordered and not over, to whatever replica.
  std::vector<cooling_replica> replicas;
  cooldown_conf conf;
  bool recalled = false;  ///< Nothing of it shall be remote.
};

/// On the wire: values are only appended.
enum class cooldown_phase : std::uint8_t { waiting, uploading, following, cooled, stuck, recalling };
inline constexpr std::uint8_t cooldown_phase_count = 6;
[[nodiscard]] const char* word_of(cooldown_phase phase);

// -- events --------------------------------------------------------------------------------
struct cooldown_reported {
  replica_id replica{};
  std::uint64_t report{};    ///< Its own number for it; the acknowledgement gives it back.
  model::term term{};        ///< Of the conf it has; 0: none since its process started.
  remote_meta_id published;  ///< Of that conf.
  remote_meta_id id;         ///< Of its own set.
  version remote_last{};
  cooldown_phase phase{};
  std::string why;  ///< If it is stuck.
  friend bool operator==(const cooldown_reported&, const cooldown_reported&) = default;
};
struct cooldown_ticked {};
/// What propose_conf asked for will never be in the log.
struct conf_not_logged {
  model::term term{};
};
/// `request` is an opaque number that the answer carries.
struct publication_asked {
  std::uint64_t request{};
  replica_id replica{};
  model::term term{};
  published_meta meta;
};
struct deletion_asked {
  std::uint64_t request{};
  replica_id replica{};
  model::term term{};
  remote_meta_id id;
};
using cooldown_event
    = std::variant<cooldown_reported, cooldown_ticked, conf_not_logged, publication_asked, deletion_asked>;

// -- effects -------------------------------------------------------------------------------
/// cooldown_granted; replica 0 revokes.  Only what is in the log is ever pushed (U8).
struct propose_conf {
  replica_id replica{};
  model::term term{};
  friend bool operator==(const propose_conf&, const propose_conf&) = default;
};
struct push_conf {
  replica_id replica{};
  cooldown_conf conf;
  friend bool operator==(const push_conf&, const push_conf&) = default;
};
/// Says that the replica was the uploader, in this term, after the report was sent.
struct acknowledge_report {
  replica_id replica{};
  std::uint64_t report{};
  model::term term{};
  friend bool operator==(const acknowledge_report&, const acknowledge_report&) = default;
};
/// cooldown_published; the fold's verdict is the answer (judge_publication).
struct propose_publication {
  publication_asked asked;
};
/// Refused before it reached the log, by the rule of the fold and for good.
struct refuse_publication {
  std::uint64_t request{};
  publication_verdict verdict{};
};
/// cooldown_deletion_confirmed, which proves by a quorum that this node leads.  Committed: yes; otherwise: no.
struct confirm_deletion {
  deletion_asked asked;
};
struct refuse_deletion {
  std::uint64_t request{};
  std::string why;
};
using cooldown_effect = std::variant<propose_conf, push_conf, acknowledge_report, propose_publication,
                                     refuse_publication, confirm_deletion, refuse_deletion>;
using cooldown_effects = std::vector<cooldown_effect>;

/// A row of SHOW PROC '/cooldown'.
struct cooldown_standing {
  cooldown_phase phase{};
  std::string why;  ///< What it waits for, or why it is stuck.
  /// Visible versions that not every replica has in the remote store only; of a recall those that one still has there.
  version lag{};
};

class cooldown_handler {
public:
  /// `now` is any clock that does not jump; the term of leadership began not after it.
  explicit cooldown_handler(time_ms now, time_ms patience = uploader_patience) : began_(now), patience_(patience) {}

  [[nodiscard]] cooldown_effects step(const cooling_tablet& tablet, const cooldown_event& event, time_ms now);
  [[nodiscard]] cooldown_standing standing(const cooling_tablet& tablet, time_ms now) const;
  /// Why the objects that the meta `asked.id` does not name may not be deleted; empty: they may.
  [[nodiscard]] std::string why_not_deletable(const cooling_tablet& tablet, const deletion_asked& asked) const;

private:
  struct heard {
    time_ms at{};
    cooldown_reported said;
  };
  void on(const cooling_tablet& tablet, const cooldown_reported& e, time_ms now, cooldown_effects& effects);
  void look_after_uploader(const cooling_tablet& tablet, time_ms now, cooldown_effects& effects);
  void propose(const cooling_tablet& tablet, replica_id uploader, cooldown_effects& effects);
  [[nodiscard]] replica_id choose(const cooling_tablet& tablet) const;
  [[nodiscard]] cooldown_standing recall_standing(const cooling_tablet& tablet, cooldown_standing row) const;
  void note_term(const cooldown_conf& conf, time_ms now);
  void note_gap(const cooling_tablet& tablet, time_ms now);
  /// From when on nobody but `conf.uploader` can believe that it is the uploader.
  [[nodiscard]] time_ms safe_to_grant(const cooldown_conf& conf) const;
  [[nodiscard]] version remote_last_of(replica_id replica) const;

  const time_ms began_;
  const time_ms patience_;
  std::map<replica_id, heard> heard_;
  std::optional<model::term> seen_term_;  ///< Of the last step ...
  time_ms seen_at_{};                     ///< ... and since when: who was granted then has not had time to report before.
  replica_id gap_at_{};      ///< The uploader, while it lacks versions ...
  time_ms gap_since_{};      ///< ... and since when.  What it lacks it cannot upload, and others may be able to.
  model::term proposed_{};   ///< On its way into the log; 0: nothing.
  replica_id former_{};      ///< Whose tenure this leader ended by revoking it.  0: unknown.
  time_ms former_heard_{};   ///< When it could last have had an acknowledgement.
};

}  // namespace tabletd::model
