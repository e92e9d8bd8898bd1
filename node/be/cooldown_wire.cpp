// See cooldown_wire.h.
#include "node/be/cooldown_wire.h"

#include "node/kj_text.h"

#include <caf/send.hpp>

namespace tabletd {

template <class Call, class Failed>
void leader_cooldown_wire::with_leader(Call call, Failed failed) {
  loop_->post([self = shared_from_this(), call = std::move(call), failed = std::move(failed)]() mutable {
    const auto room = self->room_.lock();
    if (!room)
      return failed("this backend is shutting down");
    auto leader = room->leader();
    KJ_IF_MAYBE(sink, leader)
      room->keep(call(*sink).catch_([failed](kj::Exception&& why) { failed(text_of(why)); }));
    else
      failed("no leader is attached");
  });
}

void leader_cooldown_wire::send(std::vector<report> reports, cooldown_keeper_actor keeper) {
  with_leader(
      [reports = std::move(reports), keeper](wire::ReportSink::Client& sink) {
        auto request = sink.cooldownRequest();
        auto list = request.initReports(static_cast<unsigned>(reports.size()));
        for (unsigned i = 0; i < list.size(); ++i)
          codec::encode(reports[i].tablet, reports[i].what, list[i]);
        return request.send().then([keeper](auto&& response) {
          cooldown_acknowledged heard;
          for (const auto one : response.getAcknowledged())
            heard.reports.push_back({model::tablet_id{one.getTablet()}, model::replica_id{one.getReplica()},
                                     one.getReport(), one.getTerm()});
          caf::anon_send(keeper, std::move(heard));
        });
      },
      [](const std::string&) {});  // Reports go out again by themselves.
}

void leader_cooldown_wire::ask(const cooldown_life_id& who, model::ask_publication what, cooldown_keeper_actor keeper) {
  const auto job = what.job;
  with_leader(
      [who, what = std::move(what), keeper](wire::ReportSink::Client& sink) {
        auto request = sink.publishMetaRequest();
        auto asked = request.initAsked();
        asked.setTablet(model::raw(who.tablet));
        asked.setReplica(model::raw(who.replica));
        asked.setTerm(what.term);
        codec::encode(what.meta, asked.initMeta());
        return request.send().then([who, job = what.job, keeper](auto&& response) {
          caf::anon_send(keeper, cooldown_happened{
                                     who, model::publication_answered{job, codec::decode(response.getVerdict())}});
        });
      },
      [who, job, keeper](const std::string& why) {
        caf::anon_send(keeper, cooldown_happened{who, model::cooldown_failed{job, "publishing: " + why}});
      });
}

void leader_cooldown_wire::ask(const cooldown_life_id& who, model::ask_deletion what, cooldown_keeper_actor keeper) {
  const auto job = what.job;
  with_leader(
      [who, what, keeper](wire::ReportSink::Client& sink) {
        auto request = sink.confirmDeletionRequest();
        auto asked = request.initAsked();
        asked.setTablet(model::raw(who.tablet));
        asked.setReplica(model::raw(who.replica));
        asked.setTerm(what.term);
        codec::encode(what.id, asked.initId());
        return request.send().then([who, job = what.job, keeper](auto&& response) {
          caf::anon_send(keeper, cooldown_happened{who, model::deletion_answered{job, response.getConfirmed(),
                                                                                 response.getWhy().cStr()}});
        });
      },
      [who, job, keeper](const std::string& why) {
        caf::anon_send(keeper, cooldown_happened{who, model::cooldown_failed{job, "asking whether to delete: " + why}});
      });
}

}  // namespace tabletd
