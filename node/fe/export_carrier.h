#pragma once
// Carries a table out: tablet after tablet, version after version, block after block, from
// whichever complete replica answers.  Replicas of a tablet hold the same blocks at the
// same positions, so when one breaks off another continues where it stopped.
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
  };
  using block_response = capnp::Response<wire::Scan::NextResults>;

  [[nodiscard]] kj::Promise<void> next(ReadContext context);
  [[nodiscard]] kj::Promise<void> open_scan(ReadContext context);
  [[nodiscard]] kj::Promise<void> take(ReadContext context, block_response&& response);
  [[nodiscard]] kj::Promise<void> try_another(ReadContext context, const std::string& why);
  [[nodiscard]] kj::Promise<void> tell_final(ReadContext context) const;
  void ask_ahead();
  void next_tablet();

  std::shared_ptr<backend_links> links_;
  statement_outcome plan_;
  std::uint32_t tablet_ = 0;  ///< Index into the plan.
  std::uint32_t replica_ = 0; ///< Which of its replicas we read from.
  position at_;
  std::string failures_;      ///< Of the replicas of this tablet tried so far.
  std::string final_;         ///< Not empty: no replica is left, and every read hears this.
  backend_link_ptr link_;     ///< Owns the connection that scan_ runs over.
  kj::Maybe<wire::Scan::Client> scan_;
  std::deque<kj::Promise<block_response>> ahead_;
  kj::ForkedPromise<void> turn_; ///< read() calls are served one after another, in order.
};

} // namespace tabletd
