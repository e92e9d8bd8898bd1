#include "actors/model/warmup_push.h"

#include "actors/model/warmup_serving.h"

#include <algorithm>

namespace tabletd::model {

namespace {

bool is_followed(const warmup_job& job) {
  return job.state == warmup_state::running && is_event_driven(job.what.sync) && !job.paused;
}

bool follows_queries(const warmup_definition& what) {
  const auto* on = std::get_if<sync_on_event>(&what.sync);
  return on && on->event == warmup_event::query;
}

bool is_in_scope(const catalog& cat, const warmup_definition& what, const tablet& t) {
  if (what.type == warmup_type::table)
    return std::ranges::any_of(what.targets, [&](const warmup_target& target) {
      return target.table == t.table && (raw(target.partition) == 0 || target.partition == t.partition);
    });
  if (const auto* table = cat.table_of(t); table && table->cluster == what.src)
    return true;
  return std::ranges::any_of(t.replicas, [&](const replica& r) {
    const auto* b = cat.backends.find(r.backend);
    return b && b->cluster == what.src;
  });
}

/// Heat of that cluster counts for the job.
bool listens_to(const warmup_definition& what, std::string_view cluster) {
  return what.type == warmup_type::cluster ? what.src == cluster : what.dst != cluster;
}

std::set<partition_id> hot_for(const warmup_definition& what, const heat_book& heat) {
  std::set<partition_id> hot;
  for (const auto& cluster : heat.clusters())
    if (listens_to(what, cluster))
      for (const auto id : heat.hottest_partitions(cluster))
        hot.insert(id);
  return hot;
}

/// visit(const tablet&) for what the job is about and has remote rowsets.
template <class Visit>
void for_each_in_scope(const catalog& cat, const warmup_definition& what, Visit visit) {
  cat.cooldowns.for_each([&](tablet_id id, const cooldown_conf&) {
    const auto* t = cat.tablets.find(id);
    if (t && remote_of(cat, id) && is_in_scope(cat, what, *t))
      visit(*t);
  });
}

}  // namespace

// -- what is wanted ------------------------------------------------------------------------

void warmup_pusher::add(push_line& to, want one) {
  if (to.known.insert(one.what).second)
    to.waiting.push_back(std::move(one));
}

void warmup_pusher::add(backend_id backend, warmup_job_id job, tablet_id tablet) {
  if (raw(backend) != 0)
    add(lines_[backend], {{job, tablet}, 0});
}

std::set<tablet_id> warmup_pusher::withdraw(warmup_job_id job) {
  std::set<tablet_id> taken;
  for (auto& [backend, line] : lines_)
    std::erase_if(line.waiting, [&](const want& w) {
      if (w.what.first != job)
        return false;
      line.known.erase(w.what);
      taken.insert(w.what.second);
      return true;
    });
  return taken;
}

void warmup_pusher::follow(const catalog& cat, const heat_book& heat, const warmup_job& job) {
  const auto& backends = followed_[job.id] = serving_backends(cat, job.what.dst);
  const bool only_hot = follows_queries(job.what);
  const auto hot = only_hot ? hot_for(job.what, heat) : std::set<partition_id>{};
  for_each_in_scope(cat, job.what, [&](const tablet& t) {
    if (!only_hot || hot.contains(t.partition))
      add(serving_backend(cat, t, backends), job.id, t.id);
  });
}

/// Who serves the destination has changed: what waits goes to whoever serves it now, and what has another home than
/// before is not known to be warm there.
void warmup_pusher::move_house(const catalog& cat, const heat_book& heat, const warmup_job& job,
                               std::vector<backend_id> backends) {
  const auto before = std::exchange(followed_[job.id], backends);
  const auto waited = withdraw(job.id);
  const bool only_hot = follows_queries(job.what);
  const auto hot = only_hot ? hot_for(job.what, heat) : std::set<partition_id>{};
  for_each_in_scope(cat, job.what, [&](const tablet& t) {
    const auto home = serving_backend(cat, t, backends);
    const bool has_moved = home != serving_backend(cat, t, before) && (!only_hot || hot.contains(t.partition));
    if (waited.contains(t.id) || has_moved)
      add(home, job.id, t.id);
  });
}

void warmup_pusher::note_published(const catalog& was, const catalog& is, const heat_book& heat) {
  std::vector<const tablet*> fresh;
  is.cooldowns.for_each_difference(was.cooldowns, [&](tablet_id id, const cooldown_conf* before, const cooldown_conf*) {
    const auto* meta = remote_of(is, id);
    const auto* t = is.tablets.find(id);
    if (meta && t && !(before && before->published == *meta))
      fresh.push_back(t);
  });
  if (fresh.empty())
    return;
  for (const auto& [id, backends] : followed_) {
    const auto& what = is.warmup.jobs.find(id)->what;
    const bool only_hot = follows_queries(what);
    const auto hot = only_hot ? hot_for(what, heat) : std::set<partition_id>{};
    for (const auto* t : fresh)
      if (is_in_scope(is, what, *t) && (!only_hot || hot.contains(t->partition)))
        add(serving_backend(is, *t, backends), id, t->id);
  }
}

void warmup_pusher::look(const catalog& was, const catalog& is, const heat_book& heat) {
  std::erase_if(lines_, [&](const auto& line) { return !is.backends.contains(line.first); });
  std::erase_if(followed_, [&](const auto& one) {
    const auto* job = is.warmup.jobs.find(one.first);
    if (job && is_followed(*job))
      return false;
    withdraw(one.first);
    return true;
  });
  is.warmup.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if (!is_followed(job))
      return;
    if (const auto at = followed_.find(id); at == followed_.end())
      follow(is, heat, job);
    else if (auto backends = serving_backends(is, job.what.dst); backends != at->second)
      move_house(is, heat, job, std::move(backends));
  });
  if (!followed_.empty())
    note_published(was, is, heat);
}

void warmup_pusher::grew_hot(const catalog& cat, const std::string& cluster, const std::set<partition_id>& fresh) {
  const std::vector<partition_id> partitions{fresh.begin(), fresh.end()};
  for (const auto& [id, backends] : followed_) {
    const auto* job = cat.warmup.jobs.find(id);
    if (!job || !follows_queries(job->what) || !listens_to(job->what, cluster))
      continue;
    for (const auto& part : warming_partitions(cat, partitions, backends))
      for (const auto& t : part.tablets)
        if (is_in_scope(cat, job->what, *cat.tablets.find(t.tablet)))
          add(t.served_by, id, t.tablet);
  }
}

void warmup_pusher::joined(const catalog& cat, const heat_book& heat, backend_id backend, std::uint64_t cache_bytes) {
  const auto* b = cat.backends.find(backend);
  if (!b)
    return;
  std::vector<tablet_id> chosen;
  std::uint64_t bytes = 0;
  for (const auto& part :
       warming_partitions(cat, heat.hottest_partitions(b->cluster), serving_backends(cat, b->cluster)))
    for (const auto& t : part.tablets) {
      if (t.served_by != backend || t.bytes > cache_bytes - bytes)
        continue;
      bytes += t.bytes;
      chosen.push_back(t.tablet);
    }
  for (auto at = chosen.rbegin(); at != chosen.rend(); ++at)
    add(backend, {}, *at);
}

// -- what goes out -------------------------------------------------------------------------

std::vector<push_order> warmup_pusher::next(time_ms now) {
  std::vector<push_order> orders;
  for (auto& [backend, line] : lines_) {
    if (line.out || line.waiting.empty() || now < line.rest_until)
      continue;
    push_order order{backend, ++numbers_, {}};
    line.out.emplace(flight{order.number, {}});
    while (!line.waiting.empty() && order.tablets.size() < options_.tablets_max) {
      auto one = std::move(line.waiting.front());
      line.waiting.pop_front();
      line.known.erase(one.what);
      if (std::ranges::find(order.tablets, one.what.second) == order.tablets.end())
        order.tablets.push_back(one.what.second);
      line.out->wants.push_back(std::move(one));
    }
    orders.push_back(std::move(order));
  }
  return orders;
}

std::vector<tablet_id> warmup_pusher::on(const push_ended& e, time_ms now) {
  const auto at = lines_.find(e.backend);
  if (at == lines_.end() || !at->second.out || at->second.out->number != e.number)
    return {};
  auto& line = at->second;
  const auto wants = std::move(std::exchange(line.out, std::nullopt)->wants);
  std::set<tablet_id> given_up;
  const bool are_all_named = e.failed_tablets <= e.named_tablets.size();
  if (e.is_silent || e.failed_tablets > 0)
    line.rest_until = now + (e.is_silent ? options_.rest_after_silence : options_.rest_after_failure);
  for (auto one : wants) {
    if (raw(one.what.first) != 0 && !followed_.contains(one.what.first))
      continue;  // Its job is over.
    const bool has_failed
        = e.failed_tablets > 0
          && (!are_all_named || std::ranges::find(e.named_tablets, one.what.second) != e.named_tablets.end());
    if (!e.is_silent && !has_failed)
      continue;
    if (!e.is_silent && ++one.tries >= options_.tries_max)
      given_up.insert(one.what.second);
    else
      add(line, one);
  }
  return {given_up.begin(), given_up.end()};
}

}  // namespace tabletd::model
