#pragma once
// The leader's cooldown: its mailbox, and its seam to the links to backends.
#include "actors/catalog/ports.h"
#include "schemas/backend.capnp.h"

#include <caf/actor.hpp>
#include <caf/typed_actor.hpp>

#include <memory>

namespace tabletd {

using cooldown_reports = sealed<wire::CooldownReports>;
using cooldown_acks = sealed<wire::CooldownAcks>;
using publication_question = sealed<wire::PublicationAsked>;
using publication_answer = sealed<wire::PublicationJudged>;
using deletion_question = sealed<wire::DeletionAsked>;
using deletion_answer = sealed<wire::DeletionJudged>;

/// A backend has attached, perhaps anew: it knows nothing that was pushed before.
struct backend_linked {
  model::backend_id backend{};
};
template <class I>
typename I::result_type inspect(I& f, backend_linked& x) {
  return f(caf::meta::type_name("backend_linked"), x.backend);
}

/// Lives while this node leads.  cooldown_reports are answered when a quorum has confirmed, later than they came, that
/// it does; the questions when the log has judged them.  An error means: nobody knows.
using cooldown_overseer_actor
  = caf::typed_actor<caf::replies_to<cooldown_reports>::with<cooldown_acks>,
                     caf::replies_to<publication_question>::with<publication_answer>,
                     caf::replies_to<deletion_question>::with<deletion_answer>, caf::reacts_to<backend_linked>,
                     caf::reacts_to<catalog_advanced>, caf::reacts_to<tick_due>>;

/// The links to backends, as cooldown needs them.  Implemented by the KJ room (node/fe/backend_links), by fakes in tests.
/// Every call returns at once and may come from any thread.
class cooldown_links {
public:
  virtual ~cooldown_links() = default;
  /// What backends report and ask goes there from now on, and backend_linked for each that is attached now or later.
  virtual void serve(cooldown_overseer_actor overseer) = 0;
  /// No longer to that one; without anybody what backends say is refused.
  virtual void leave(caf::actor_id overseer) = 0;
  /// Dropped if the backend is not linked: it is told everything once it is.  A call that fails ends the link.
  virtual void push(model::backend_id backend, sealed<wire::CooldownOrders> orders) = 0;
};
using cooldown_links_ptr = std::shared_ptr<cooldown_links>;

}  // namespace tabletd
