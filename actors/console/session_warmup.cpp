// WARM UP and what is said to its jobs.  The leader's keeper plans, because only it can ask the backends how much their
// caches hold; whether the job becomes true the fold decides, as always.
#include "actors/codec/console_warmup_codec.h"
#include "actors/console/session_steps.h"
#include "actors/model/warmup_jobs.h"

#include <fmt/format.h>

namespace tabletd::session {

namespace {

using model::error_code;
using model::raw;
using model::statement_error;
using model::warmup_definition;

statement_error refused(error_code code, std::string message, std::string hint) {
  return {code, std::move(message), std::move(hint), {}, {}, {}, {}};
}

statement_error no_job(std::uint64_t job) {
  return refused(error_code::not_found, fmt::format("job id: {} does not exist.", job),
                 "SHOW WARM UP JOB lists them; one that is over is forgotten after warmup.history_keep_s");
}

statement_error nobody_answers(session_ptr self, const caf::error& why) {
  auto error = refused(error_code::unavailable, "nobody looks after warm-up here: " + text_of(self->system(), why),
                       "this front end may have stopped leading; connect again");
  error.retry_after_ms = 1'000;
  return error;
}

// -- what is to be warmed ----------------------------------------------------------------

warmup_definition defined(const model::warm_up_terms& terms, std::string dst) {
  warmup_definition what;
  what.dst = std::move(dst);
  what.force = terms.force;
  what.sync = terms.sync;
  what.on_error = terms.on_error;
  what.when_busy = terms.when_busy;
  return what;
}

statement_error named_twice(const std::string& table) {
  return refused(error_code::invalid_argument, fmt::format("table {} is named as a whole and by a partition", table),
                 "the whole has its partitions: leave them out");
}

/// The targets in the statement's order, or what is wrong with one of them.
std::variant<std::vector<model::warmup_target>, statement_error>
targets_of(session_ptr self, const model::catalog& cat, const std::vector<model::warm_up_target>& named) {
  std::vector<model::warmup_target> out;
  for (const auto& one : named) {
    const auto table = model::look_up_table(cat, one.table, self->state.database);
    if (const auto* error = std::get_if<statement_error>(&table))
      return *error;
    const auto& of = *std::get<const model::table*>(table);
    model::warmup_target target{of.id, {}};
    if (!one.partition.empty()) {
      const auto found = model::look_up_partitions(of, {one.partition});
      if (const auto* error = std::get_if<statement_error>(&found))
        return *error;
      target.partition = std::get<some_partitions>(found).front()->id;
    }
    for (const auto& other : out)
      if (other.table == target.table
          && (raw(other.partition) == 0 || raw(target.partition) == 0 || other.partition == target.partition))
        return named_twice(model::full_name(one.table, self->state.database));
    out.push_back(target);
  }
  return out;
}

// -- what stands in the way (spec/jobs.md A11) --------------------------------------------

statement_error is_taken(const std::string& dst, std::uint64_t by) {
  return refused(error_code::failed_precondition,
                 fmt::format("cluster {} is being warmed by job {}, and this one shall not wait", dst, by),
                 fmt::format(R"(SHOW WARM UP JOB WHERE ID = {} shows how far it is; "when_busy"="queue" waits for its turn)", by));
}

statement_error has_twin(const warmup_definition& what, std::uint64_t twin) {
  return refused(error_code::already_exists,
                 fmt::format("WarmUpJob {}dst='{}', syncMode={} already has a runnable job: {}",
                             what.src.empty() ? "" : fmt::format("src='{}', ", what.src), what.dst,
                             model::text_of(what.sync), twin),
                 fmt::format("CANCEL WARM UP JOB WHERE ID = {} first, to replace it", twin));
}

statement_error why_not_created(session_ptr self, const warmup_definition& what, const model::edit_answer& answer) {
  if (answer.failure == model::journal_failure::none && answer.why == model::refusal::warmup_destination_busy)
    return is_taken(what.dst, answer.id);
  if (answer.failure == model::journal_failure::none && answer.why == model::refusal::warmup_twin_exists)
    return has_twin(what, answer.id);
  return model::error_of(answer, "creating the warm-up job", self->state.ports.job.leader());
}

statement_error why_not_planned(const warmup_definition& what, const model::warmup_not_planned& why) {
  switch (why.why) {
    case model::warmup_plan_refusal::no_backend:
    case model::warmup_plan_refusal::capacity_unknown: {
      auto error = refused(error_code::unavailable, why.text, "see SHOW BACKENDS; every backend that is alive has to answer");
      error.retry_after_ms = 1'000;
      return error;
    }
    case model::warmup_plan_refusal::cluster_too_small:
    case model::warmup_plan_refusal::backend_too_small:
      return refused(error_code::resource_exhausted, why.text,
                     "FORCE warms as much as fits; DRY RUN shows what each backend would get; or name fewer partitions");
    case model::warmup_plan_refusal::source_unknown:
      return refused(error_code::not_found, why.text, "SHOW BACKENDS shows which clusters there are");
    case model::warmup_plan_refusal::no_cache:
      return refused(error_code::failed_precondition, why.text, "set cache.capacity_bytes on its backends, or free their disks");
    case model::warmup_plan_refusal::too_many_bytes: break;
  }
  return refused(error_code::invalid_argument, why.text.empty() ? "the warm-up of " + what.dst + " cannot be planned" : why.text,
                 "name fewer tables");
}

// -- from the plan to the job ------------------------------------------------------------

bool is_event_driven(const warmup_definition& what) { return model::is_event_driven(what.sync); }

std::vector<statement_error> notes_on(const warmup_definition& what, const model::warmup_plan& plan) {
  if (plan.bytes > 0)
    return {};
  if (what.type == model::warmup_type::table)
    return {refused(error_code::failed_precondition, "0 bytes: nothing of this has cooled, so there is nothing to warm",
                    "SHOW PROC '/cooldown' shows what has")};
  return {refused(error_code::failed_precondition,
                  "0 bytes: cluster " + what.src + " has served nothing yet that has cooled, so there is nothing to warm",
                  "WARM UP CLUSTER ... WITH TABLE names what to warm")};
}

void create(session_ptr self, const warmup_definition& what, std::vector<model::warmup_lane_plan> lanes,
            std::vector<statement_error> notes, session_reply reply) {
  propose(self, model::warmup_created{what, std::move(lanes)}, [=](const model::edit_answer& answer) mutable {
    if (!answer.ok())
      return reply.fail(why_not_created(self, what, answer));
    reply.send(views::warm_up_created(model::warmup_job_id{answer.id}), std::move(notes));
  });
}

/// What the session asked for, and what its answer has to be judged by.
struct wish {
  warmup_definition what;
  bool dry_run = false;
};

void on_plan(session_ptr self, const wish& wanted, const model::warmup_plan_result& result, session_reply& reply) {
  const auto& what = wanted.what;
  const auto cat = catalog_of(self);
  if (const auto* why = std::get_if<model::warmup_not_planned>(&result))
    return reply.fail(why_not_planned(what, *why));
  const auto& plan = std::get<model::warmup_plan>(result);
  if (wanted.dry_run)
    return reply.send(views::warm_up_plan(*cat, plan, what.type, what.force), notes_on(what, plan));
  auto lanes = model::is_planned_at_begin(what) ? std::vector<model::warmup_lane_plan>{}
                                                : model::lanes_of(plan, self->state.ports.warmup_batch_bytes);
  create(self, what, std::move(lanes), notes_on(what, plan), reply);
}

/// A plan that is only looked at is made with FORCE: what is too large shows up in it, instead of a refusal.
void ask_for_plan(session_ptr self, wish wanted, session_reply reply) {
  auto asked = wanted.what;
  if (wanted.dry_run) {
    asked.force = true;
    asked.sync = model::sync_once{};
  }
  if (!self->state.ports.warmup)
    return reply.fail(nobody_answers(self, caf::sec::request_receiver_down));
  self->request(self->state.ports.warmup, caf::infinite, codec::seal_plan_question(asked))
      .then([self, wanted, reply](const warmup_plan_answer& answer) mutable {
              on_plan(self, wanted, codec::decode_planned(answer.get()), reply);
            },
            [self, reply](const caf::error& why) mutable { reply.fail(nobody_answers(self, why)); });
}

/// The checks of A2 that need no plan; then the plan, if there is to be one.
void begin(session_ptr self, const model::catalog& cat, wish wanted, session_reply reply) {
  const auto& what = wanted.what;
  if (const auto holder = model::holder_of(cat.warmup, what.dst);
      raw(holder) != 0 && what.when_busy == model::warmup_when_busy::reject && !is_event_driven(what) && !wanted.dry_run)
    return reply.fail(is_taken(what.dst, raw(holder)));
  if (is_event_driven(what) && !wanted.dry_run)
    return create(self, what, {}, {}, std::move(reply));
  ask_for_plan(self, std::move(wanted), std::move(reply));
}

}  // namespace

void write(session_ptr self, const model::warm_up_cluster& what, session_reply reply) {
  const auto cat = catalog_of(self);
  if (auto error = model::why_no_cluster(*cat, what.dst))
    return reply.fail(*std::move(error));
  if (what.dst == what.src)
    return reply.fail(refused(error_code::invalid_argument,
                              fmt::format("The dstClusterName {} is same with srcClusterName", what.dst),
                              "what a cluster serves is in its caches already; name another one to follow"));
  wish wanted{defined(what.terms, what.dst), what.terms.dry_run};
  wanted.what.type = model::warmup_type::cluster;
  wanted.what.src = what.src;
  // A cluster that is gone is a legal source as long as the keeper remembers its heat (A2); without a plan nobody says so.
  if (is_event_driven(wanted.what) && !wanted.dry_run)
    if (auto error = model::why_no_cluster(*cat, what.src))
      return reply.fail(*std::move(error));
  begin(self, *cat, std::move(wanted), std::move(reply));
}

void write(session_ptr self, const model::warm_up_tables& what, session_reply reply) {
  const auto cat = catalog_of(self);
  if (auto error = model::why_no_cluster(*cat, what.dst))
    return reply.fail(*std::move(error));
  auto targets = targets_of(self, *cat, what.targets);
  if (auto* error = std::get_if<statement_error>(&targets))
    return reply.fail(std::move(*error));
  wish wanted{defined(what.terms, what.dst), what.terms.dry_run};
  wanted.what.type = model::warmup_type::table;
  wanted.what.targets = std::get<std::vector<model::warmup_target>>(std::move(targets));
  begin(self, *cat, std::move(wanted), std::move(reply));
}

// -- jobs --------------------------------------------------------------------------------

namespace {

/// How often an edit about a round is made anew because the job was in the next one already.
constexpr int tries_max = 3;

void cancel(session_ptr self, std::uint64_t job, int tries, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto end = model::cancel_of(cat->warmup, model::warmup_job_id{job});
  if (const auto* why = std::get_if<std::string>(&end)) {
    const bool is_known = cat->warmup.jobs.contains(model::warmup_job_id{job});
    return reply.fail(is_known ? refused(error_code::failed_precondition, *why, "SHOW WARM UP JOB shows how it ended") : no_job(job));
  }
  propose(self, std::get<model::warmup_ended>(end), [=](const model::edit_answer& answer) mutable {
    if (answer.ok())
      reply.done(fmt::format("canceled warm-up job {}; what is warm stays so", job), 1);
    else if (answer.failure == model::journal_failure::none && answer.why == model::refusal::warmup_stale && tries < tries_max)
      cancel(self, job, tries + 1, reply);
    else
      reply.fail(model::error_of(answer, fmt::format("canceling warm-up job {}", job), self->state.ports.job.leader()));
  });
}

/// The job, if a user may still say something to it.
const model::warmup_job* open_job(const model::catalog& cat, std::uint64_t id, std::string_view doing, session_reply& reply) {
  const auto* job = cat.warmup.jobs.find(model::warmup_job_id{id});
  if (!job)
    reply.fail(no_job(id));
  else if (model::is_final(job->state))
    reply.fail(refused(error_code::failed_precondition,
                       fmt::format("job can not be {}. State: {}", doing, model::word_of(job->state)),
                       "SHOW WARM UP JOB shows how it ended"));
  else
    return job;
  return nullptr;
}

}  // namespace

void write(session_ptr self, const model::cancel_warm_up& what, session_reply reply) {
  cancel(self, what.job, 1, std::move(reply));
}

void write(session_ptr self, const model::pause_warm_up& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto* job = open_job(*cat, what.job, "paused", reply);
  if (!job)
    return;
  if (job->paused)
    return reply.done(fmt::format("warm-up job {} is paused already: nothing to do", what.job), 0);
  propose_and_tell(self, model::warmup_paused{job->id}, reply, fmt::format("pausing warm-up job {}", what.job),
                   fmt::format("paused warm-up job {}; batches under way end", what.job));
}

void write(session_ptr self, const model::resume_warm_up& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto* job = open_job(*cat, what.job, "resumed", reply);
  if (!job)
    return;
  if (!job->paused)
    return reply.done(fmt::format("warm-up job {} is not paused: nothing to do", what.job), 0);
  propose_and_tell(self, model::warmup_resumed{job->id}, reply, fmt::format("resuming warm-up job {}", what.job),
                   fmt::format("resumed warm-up job {}", what.job));
}

void verify(session_ptr self, const model::verify_warm_up& what, session_reply reply) {
  if (!catalog_of(self)->warmup.jobs.contains(model::warmup_job_id{what.job}))
    return reply.fail(no_job(what.job));
  if (!self->state.ports.warmup)
    return reply.fail(nobody_answers(self, caf::sec::request_receiver_down));
  self->request(self->state.ports.warmup, caf::infinite, codec::seal_verify_question(model::warmup_job_id{what.job}))
      .then([self, reply](const warmup_verify_answer& answer) mutable {
              const auto result = codec::decode_verified(answer.get());
              if (const auto* why = std::get_if<std::string>(&result))
                return reply.fail(refused(error_code::failed_precondition, *why, "SHOW WARM UP JOB shows how far it is"));
              reply.send(views::warm_up_shares(*catalog_of(self), std::get<std::vector<codec::verified_lane>>(result)));
            },
            [self, reply](const caf::error& why) mutable { reply.fail(nobody_answers(self, why)); });
}

void show(session_ptr self, const model::show_warm_up& what, session_reply reply) {
  const look now{self};
  if (what.job == 0)
    return reply.send(views::warm_up_jobs(now.from));
  const auto* job = now.cat->warmup.jobs.find(model::warmup_job_id{what.job});
  if (!job)
    return reply.fail(no_job(what.job));
  reply.send(views::warm_up_job(now.from, *job));
}

}  // namespace tabletd::session
