#pragma once
// Carries a table out: tablet after tablet, version after version, block after block, from
// whichever complete replica answers.  Replicas of a tablet hold the same blocks at the
// same positions, so when one breaks off another continues where it stopped.
//
// If the plan names a cluster for what has cooled (EXPORT ... USING CLUSTER), that is read first, from a backend of the
// cluster, by the published meta alone; then the later versions from a replica.  All of the cluster read the same
// objects, so any of them can go on for another.  A replica can take over in the middle only if its rowsets are cut
// there, too; it says so if they are not.
#include "actors/console/ports.h"
#include "node/fe/backend_links.h"
#include <deque>

namespace tabletd {

class export_carrier final : public api::Download::Server {
public:
  export_carrier(std::shared_ptr<backend_links> links, statement_outcome plan);
  kj::Promise<void> read(ReadContext context) override;

private:
  struct position { ///< Of the next block wanted in the current tablet.
    std::uint64_t version = 0;
    std::uint32_t block = 0;
    std::uint64_t first = 0; ///< First version of the rowset it is in, if block > 0.
  };
  using block_response = capnp::Response<wire::Scan::NextResults>;

  [[nodiscard]] kj::Promise<void> next(ReadContext context);
  [[nodiscard]] kj::Promise<void> open_scan(ReadContext context);
  [[nodiscard]] bool wants_later() const;
  [[nodiscard]] kj::Promise<void> open_later(ReadContext context);
  [[nodiscard]] kj::Promise<void> no_later(ReadContext context, const std::string& why);
  void go_on_with_later();
  [[nodiscard]] kj::Promise<void> open_remote(ReadContext context);
  [[nodiscard]] kj::Promise<void> open_replica(ReadContext context);
  template <class Request>
  [[nodiscard]] kj::Promise<void> begin_scan(ReadContext context, Request request);
  [[nodiscard]] kj::Promise<void> take(ReadContext context, block_response&& response);
  [[nodiscard]] capnp::Request<wire::BackendService::OpenScanParams, wire::BackendService::OpenScanResults> replica_scan(
    backend_link& link, std::uint32_t replica) const;
  void note_failure(std::uint64_t backend, std::string_view what, const std::string& why);
  [[nodiscard]] kj::Promise<void> try_another(ReadContext context, const std::string& why);
  [[nodiscard]] kj::Promise<void> tell_final(ReadContext context) const;
  void ask_ahead();
  void next_tablet();
  void drop_scan();
  [[nodiscard]] wire::PlannedTablet::Reader planned() const { return plan_.get().getExportPlan().getTablets()[tablet_]; }
  /// How many of the tablet's sources are of the cluster: they come before the replicas.
  [[nodiscard]] std::uint32_t remotes() const;
  /// Who is read from.
  [[nodiscard]] model::backend_id source() const;

  std::shared_ptr<backend_links> links_;
  statement_outcome plan_;
  std::uint32_t tablet_ = 0;  ///< Index into the plan.
  std::uint32_t source_ = 0;  ///< Who we read it from: backends of the cluster, then replicas.
  position at_;
  std::string failures_;      ///< Of the sources of this tablet tried so far.
  std::string final_;         ///< Not empty: nobody is left to ask, and every read hears this.
  backend_link_ptr link_;     ///< Owns the connection that scan_ runs over.
  kj::Maybe<wire::Scan::Client> scan_;
  /// What follows the cooled part, held open from the begin of the tablet: rowsets that are merged meanwhile stay readable.
  kj::Maybe<wire::Scan::Client> later_;
  backend_link_ptr later_link_;
  std::uint32_t later_source_ = 0; ///< Which of the replicas it is.
  std::deque<kj::Promise<block_response>> ahead_;
  kj::ForkedPromise<void> turn_; ///< read() calls are served one after another, in order.
};

} // namespace tabletd
