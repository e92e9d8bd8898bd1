#pragma once
// Rules of cooldown that several parties must agree on: how long an uploader may believe, and which publication counts.
#include "actors/model/cooldown_types.h"

#include <algorithm>

namespace tabletd::model {

/// U1.  A backend counts from the moment it sent its last acknowledged report, on its monotonic clock; the leader from
/// its receipt, or from the beginning of its own term of leadership.  The latter must be longer by what two clocks that
/// go wrong in opposite directions make of it, and by a margin.
inline constexpr time_ms uploader_lease{1'800'000};     ///< T_be.
inline constexpr time_ms uploader_patience{1'860'000};  ///< T_fe.
inline constexpr std::int64_t clock_error_percent = 1;  ///< How wrong a monotonic clock's rate may be.
/// The shortest T_fe at which two tenures cannot overlap: T_be * (1 + r) / (1 - r), rounded up.
[[nodiscard]] constexpr time_ms patience_needed(time_ms lease, std::int64_t error_percent) {
  return time_ms((lease.count() * (100 + error_percent) + 100 - error_percent - 1) / (100 - error_percent));
}
static_assert(patience_needed(uploader_lease, clock_error_percent) < uploader_patience);
/// T_fe for another T_be: what two wrong clocks need, and a margin in proportion.
[[nodiscard]] constexpr time_ms patience_for(time_ms lease) {
  constexpr time_ms margin_min{500};
  return patience_needed(lease, clock_error_percent) + std::max(margin_min, lease / 75);
}
static_assert(patience_for(uploader_lease) >= uploader_patience);

/// How long after asking an uploader may rely on the leader's word that objects are unused (U7).
inline constexpr time_ms deletion_patience{60'000};

/// Whether a publication counts.  All but term_unknown are final, even by a catalog that is behind: terms and ids only
/// grow.
enum class publication_verdict : std::uint8_t {
  accepted,      ///< Or was before: the same object is published.
  not_uploader,  ///< The term is over, or never was this replica's.
  not_greater,   ///< Its id is not above the published one's.
  term_unknown,  ///< No such term, or no recall, by this catalog: which is behind, or the recall was taken back.
};
/// The rule of the fold for cooldown_published.  `recalled`: the log wants nothing of the tablet to be remote; only then
/// a publication may say so.
[[nodiscard]] constexpr publication_verdict judge_publication(const cooldown_conf& conf, replica_id by, term tenure,
                                                              const published_meta& meta, bool recalled) {
  if (conf.published && conf.published->id == meta.id && conf.published->object == meta.object)
    return publication_verdict::accepted;
  if (tenure > conf.term)
    return publication_verdict::term_unknown;
  if (tenure < conf.term || conf.uploader != by || raw(by) == 0 || meta.id.term != tenure)
    return publication_verdict::not_uploader;
  if (conf.published && meta.id <= conf.published->id)
    return publication_verdict::not_greater;
  return is_recall(meta) && !recalled ? publication_verdict::term_unknown : publication_verdict::accepted;
}

}  // namespace tabletd::model
