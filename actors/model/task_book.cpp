#include "actors/model/task_book.h"
#include <optional>
#include <utility>

namespace tabletd::model {

namespace {

using phase = task_book::phase;

/// What a task copies, if it is a clone or a move.
std::optional<held_ref> copy_of(const agent_task& task) {
  if (const auto* clone = std::get_if<clone_order>(&task.what))
    return held_ref{clone->tablet, clone->replica};
  if (const auto* move = std::get_if<move_order>(&task.what))
    return held_ref{move->tablet, move->replica};
  return std::nullopt;
}

std::string name_of_copy(const agent_task& task) {
  return (std::holds_alternative<move_order>(task.what) ? "move " : "clone ") + std::to_string(raw(task.fence));
}

task_end refused(const agent_task& task, task_failure kind, std::string message) {
  const auto ids = std::visit(
    overloaded{[](const cancel_order&) { return held_ref{}; },
               [](const auto& order) { return held_ref{order.tablet, order.replica}; }},
    task.what);
  return failed_end(task.fence, ids.tablet, ids.replica, kind, std::move(message));
}

void open_task(task_book& book, const task_submitted& e, phase at) {
  book.open[key_of(e.task)] = {e.task, e.place, at};
  if (at == phase::waiting)
    book.waiting.insert(key_of(e.task));
}

/// Ends a task that never ran or has just finished; its fence stays open until stamped.
/// A copy given up by a drain ends unheard: the leader orders it again and it resumes.
void finish(task_book& book, const task_end& end, book_effects& effects) {
  auto& open = book.open[key_of(end)];
  if (open.at == phase::ending)
    return;
  const auto copy = copy_of(open.task);
  if (copy) {
    if (open.at == phase::running || open.at == phase::stopping)
      --book.copying[open.place];
    auto& of_tablet = book.copies[copy->tablet];
    of_tablet.erase(end.fence);
    if (of_tablet.empty())
      book.copies.erase(copy->tablet);
  }
  book.waiting.erase(key_of(end));
  open.at = phase::ending;
  if (book.draining && copy && !end.done())
    book.open.erase(key_of(end));
  else
    effects.push_back(stamp_end{end});
}

/// Asks a copy to let go: at once if it never started, else when its worker answers.
void give_up(task_book& book, task_key copy, bool keep_partial, const std::string& why,
             book_effects& effects) {
  auto& open = book.open.at(copy);
  if (open.at == phase::waiting)
    finish(book, refused(open.task, task_failure::cancelled, why), effects);
  else if (std::exchange(open.at, phase::stopping) == phase::running)
    effects.push_back(stop_copy{copy.fence, keep_partial});
}

/// The clone or move of that very replica, which a drop has to undo first; 0: there is none.
log_index copy_to_undo(const task_book& book, const drop_order& drop) {
  const auto at = book.copies.find(drop.tablet);
  if (at == book.copies.end())
    return {};
  for (const auto fence : at->second)
    if (copy_of(book.open.at({fence, drop.tablet}).task)->replica == drop.replica)
      return fence;
  return {};
}

void run(task_book& book, task_book::open_task& open) {
  open.at = phase::running;
  book.waiting.erase(key_of(open.task));
}

/// Whether a copy that waits may start: it is its tablet's oldest, and its path has a slot left.
bool may_copy(const task_book& book, const task_key& key, path_hash place) {
  const auto at = book.copying.find(place);
  return *book.copies.at(key.tablet).begin() == key.fence
         && (at == book.copying.end() || at->second < book.limits.clones_per_path_max);
}

void start_copy(task_book& book, task_book::open_task& open, book_effects& effects) {
  ++book.copying[open.place];
  run(book, open);
  if (const auto* clone = std::get_if<clone_order>(&open.task.what))
    effects.push_back(start_clone{*clone});
  else
    effects.push_back(start_move{open.task.fence, std::get<move_order>(open.task.what)});
}

/// Starts what may start now, in fence order.
void start_waiting(task_book& book, book_effects& effects) {
  for (const auto key : std::vector<task_key>{book.waiting.begin(), book.waiting.end()}) {
    auto& open = book.open.at(key);
    if (copy_of(open.task)) {
      if (may_copy(book, key, open.place))
        start_copy(book, open, effects);
    } else if (const auto* drop = std::get_if<drop_order>(&open.task.what);
               raw(copy_to_undo(book, *drop)) == 0) {
      run(book, open);
      effects.push_back(run_on_disk{open.task});
    }
  }
}

/// Of the clones and moves of one tablet the one ordered last is wanted.
void submit_copy(task_book& book, const task_submitted& e, tablet_id tablet, book_effects& effects) {
  auto& of_tablet = book.copies[tablet];
  const auto newest = of_tablet.empty() ? log_index{} : *of_tablet.rbegin();
  const auto older = std::vector<log_index>{of_tablet.begin(), of_tablet.end()};
  const auto later = [](const agent_task& task) { return name_of_copy(task) + " of the same tablet was ordered later"; };
  open_task(book, e, phase::waiting);
  of_tablet.insert(e.task.fence);
  if (newest > e.task.fence) {
    finish(book, refused(e.task, task_failure::stale, later(book.open.at({newest, tablet}).task)), effects);
    return;
  }
  for (const auto fence : older)
    give_up(book, {fence, tablet}, false, later(e.task), effects);
}

bool has_ended(const task_book& book, log_index fence) {
  const auto at = book.ended.lower_bound({fence, {}});
  return at != book.ended.end() && at->first.fence == fence;
}

void cancel(task_book& book, const agent_task& task, const cancel_order& order,
            book_effects& effects) {
  const auto at = book.open.lower_bound({order.clone, {}});
  const bool known = at != book.open.end() && at->first.fence == order.clone;
  const bool found = known && copy_of(at->second.task) && at->second.at != phase::ending;
  if (found)
    give_up(book, at->first, false, "the leader gave it up", effects);
  if (task.fence == order.clone) { // The copy's own end is the answer.
    if (!found && !known && !has_ended(book, order.clone)) {
      open_task(book, {task, {}}, phase::running);
      finish(book, refused(task, task_failure::cancelled, "no such clone or move ran here"), effects);
    }
    return;
  }
  open_task(book, {task, {}}, phase::running);
  finish(book, {task.fence, {}, {}, held_replica{}, 0, 0, 0}, effects);
}

/// Its own entry, or that of a cancel that gave its fence up before it came.
template <class Tasks>
auto find_task(Tasks& among, const agent_task& task) {
  const auto at = among.find(key_of(task));
  return at != among.end() ? at : among.find({task.fence, {}});
}

void submit(task_book& book, const task_submitted& e, book_effects& effects) {
  const auto known = find_task(book.ended, e.task);
  if (known != book.ended.end()) {
    effects.push_back(answer_again{known->second});
    return;
  }
  if (const auto* order = std::get_if<cancel_order>(&e.task.what);
      order && (order->clone == e.task.fence || !book.open.contains(key_of(e.task))))
    return cancel(book, e.task, *order, effects);
  if (const auto at = find_task(book.open, e.task); at != book.open.end()) {
    at->second.asked_again = at->second.at == phase::ending;
    return; // Joined.
  }
  if (book.draining)
    return; // The next process gets it again.
  std::visit(overloaded{
               [&](const clone_order& order) { submit_copy(book, e, order.tablet, effects); },
               [&](const move_order& order) { submit_copy(book, e, order.tablet, effects); },
               [&](const drop_order& order) {
                 if (const auto copy = copy_to_undo(book, order); raw(copy) != 0)
                   give_up(book, {copy, order.tablet}, false, "its replica is being dropped", effects);
                 open_task(book, e, phase::waiting);
               },
               [&](const auto&) {
                 open_task(book, e, phase::running);
                 effects.push_back(run_on_disk{e.task});
               },
             },
             e.task.what);
}

void remember(task_book& book, const task_end& end, book_effects& effects) {
  if (const auto open = book.open.extract(key_of(end)); open && open.mapped().asked_again)
    effects.push_back(answer_again{end});
  if (!book.ended.emplace(key_of(end), end).second)
    return;
  book.ended_order.push_back(key_of(end));
  if (book.ended_order.size() > book.limits.remembered_max) {
    book.ended.erase(book.ended_order.front());
    book.ended_order.pop_front();
  }
}

void drain(task_book& book, book_effects& effects) {
  book.draining = true;
  for (const auto& [tablet, fences] : std::map{book.copies})
    for (const auto fence : fences)
      give_up(book, {fence, tablet}, true, "this backend is shutting down", effects);
  for (const auto key : std::exchange(book.waiting, {})) // Drops whose copy is still letting go.
    book.open.erase(key);
}

} // namespace

book_effects step(task_book& book, const book_event& event) {
  book_effects effects;
  std::visit(overloaded{
               [&](const task_submitted& e) { submit(book, e, effects); },
               [&](const task_finished& e) {
                 if (book.open.contains(key_of(e.end)))
                   finish(book, e.end, effects);
               },
               [&](const task_stamped& e) { remember(book, e.end, effects); },
               [&](const drain_asked&) { drain(book, effects); },
             },
             event);
  if (!book.draining)
    start_waiting(book, effects);
  else if (book.open.empty() && !std::exchange(book.quiet_told, true))
    effects.push_back(all_quiet{});
  return effects;
}

} // namespace tabletd::model
