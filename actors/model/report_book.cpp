#include "actors/model/report_book.h"

namespace tabletd::model {

namespace {

/// Stamps what differs from the book; what is already known is no change.
void take_in(report_book& book, const disk_changed& event) {
  for (const auto& gone : event.gone) {
    const auto at = book.tablets.find(gone.tablet);
    if (at == book.tablets.end() || at->second.replica != gone.replica)
      continue;
    book.tablets.erase(at);
    ++book.stamp;
    book.changed.erase(gone.tablet);
    book.gone.insert(gone);
  }
  for (const auto& held : event.tablets) {
    auto& known = book.tablets[held.tablet];
    if (known == held)
      continue;
    if (known.tablet == held.tablet && known.replica != held.replica)
      book.gone.insert({known.tablet, known.replica});
    known = held;
    ++book.stamp;
    book.changed.insert(held.tablet);
    book.gone.erase({held.tablet, held.replica});
  }
  if (event.prepared)
    book.prepared[event.path] = *event.prepared;
}

report_effects send_due(report_book& book, time_ms now) {
  report_effects effects;
  if (!book.linked)
    return effects;
  if (book.full_due || now >= book.full_last + book.pace.full_every_ms) {
    book.full_due = false;
    book.full_last = now;
    effects.push_back(send_full{book.stamp});
  } else if (!book.changed.empty() || !book.gone.empty()) {
    effects.push_back(send_changes{book.stamp,
                                   {book.changed.begin(), book.changed.end()},
                                   {book.gone.begin(), book.gone.end()}});
  }
  book.changed.clear();
  book.gone.clear();
  return effects;
}

} // namespace

report_effects step(report_book& book, const report_event& event, time_ms now) {
  return std::visit(
    overloaded{
      [&](const disk_changed& e) {
        take_in(book, e);
        return report_effects{};
      },
      [&](const link_made&) {
        book.linked = true;
        book.full_due = true;
        return send_due(book, now);
      },
      [&](const full_asked&) {
        book.full_due = true;
        return send_due(book, now);
      },
      [&](const book_ticked&) {
        return send_due(book, now);
      },
    },
    event);
}

std::vector<txn_id> prepared_txns(const report_book& book) {
  std::set<txn_id> all;
  for (const auto& [path, txns] : book.prepared)
    all.insert(txns.begin(), txns.end());
  return {all.begin(), all.end()};
}

} // namespace tabletd::model
