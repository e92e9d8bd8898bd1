#include "actors/supervision/ports.h"
#include <utility>

namespace tabletd {

const char* name(child_state state) {
  constexpr const char* names[] = {"running", "backoff", "failed", "stopped"};
  return names[static_cast<std::size_t>(state)];
}

supervision_registry& supervision_tree() {
  static supervision_registry tree;
  return tree;
}

std::vector<supervised_row> supervision_registry::rows() const {
  const std::lock_guard guard{mutex_};
  std::vector<supervised_row> all;
  for (const auto& [number, rows] : sections_)
    for (const auto& [child, row] : rows)
      all.push_back(row);
  return all;
}

std::map<std::string, supervisor_totals> supervision_registry::totals() const {
  const std::lock_guard guard{mutex_};
  auto totals = totals_;
  for (const auto& [number, rows] : sections_)
    for (const auto& [child, row] : rows)
      ++totals[row.supervisor].children[static_cast<std::size_t>(row.state)];
  return totals;
}

void supervision_registry::listen(std::function<void(const supervision_news&)> listener) {
  const std::lock_guard guard{mutex_};
  listener_ = listener ? std::make_shared<const std::function<void(const supervision_news&)>>(std::move(listener)) : nullptr;
}

supervision_registry::section::section(supervision_registry& all, std::string supervisor)
  : all_(&all), supervisor_(std::move(supervisor)) {
  const std::lock_guard guard{all.mutex_};
  number_ = ++all.sections_made_;
  all.totals_[supervisor_];
}

supervision_registry::section& supervision_registry::section::operator=(section&& other) noexcept {
  close();
  all_ = std::exchange(other.all_, nullptr);
  number_ = other.number_;
  supervisor_ = std::move(other.supervisor_);
  return *this;
}

void supervision_registry::section::close() {
  if (!all_)
    return;
  const std::lock_guard guard{all_->mutex_};
  all_->sections_.erase(number_);
  all_ = nullptr;
}

void supervision_registry::section::update(model::child_key child, supervised_row row) {
  row.supervisor = supervisor_;
  const std::lock_guard guard{all_->mutex_};
  auto& kept = all_->sections_[number_][child];
  if (!kept.supervisor.empty() && kept.state == row.state && kept.restarts == row.restarts)
    row.since = kept.since;
  kept = std::move(row);
}

void supervision_registry::section::remove(model::child_key child) {
  const std::lock_guard guard{all_->mutex_};
  all_->sections_[number_].erase(child);
}

void supervision_registry::section::restarted() {
  const std::lock_guard guard{all_->mutex_};
  ++all_->totals_[supervisor_].restarts;
}

void supervision_registry::section::tell(supervision_news::kind what, const std::string& child,
                                         const std::string& error) {
  std::shared_ptr<const std::function<void(const supervision_news&)>> listener;
  {
    const std::lock_guard guard{all_->mutex_};
    auto& totals = all_->totals_[supervisor_];
    totals.kills += what == supervision_news::kind::killed ? 1 : 0;
    totals.escalations += what == supervision_news::kind::escalated ? 1 : 0;
    listener = all_->listener_;
  }
  if (listener)
    (*listener)({what, supervisor_, child, error});
}

} // namespace tabletd
