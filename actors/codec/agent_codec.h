#pragma once
// A backend's words: actors/model/agent_task.h and its relatives <-> schemas/backend.capnp
// and the agent part of schemas/mail.capnp.  What cannot be decoded throws kj::Exception
// naming the field.
#include "actors/model/agent_task.h"
#include "actors/model/clone_life.h"
#include "actors/model/report_book.h"
#include "schemas/backend.capnp.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"
#include <vector>

namespace tabletd::codec {

[[nodiscard]] model::agent_task decode(wire::Task::Reader from);
void encode(const model::agent_task& task, wire::Task::Builder to);

[[nodiscard]] model::held_replica decode(wire::TabletState::Reader from);
void encode(const model::held_replica& held, wire::TabletState::Builder to);

[[nodiscard]] model::task_failed decode(wire::TaskFailure::Reader from);
void encode(const model::task_failed& failed, wire::TaskFailure::Builder to);

[[nodiscard]] model::task_end decode(wire::TaskEnded::Reader from);
void encode(const model::task_end& end, wire::TaskEnded::Builder to);
[[nodiscard]] sealed<wire::TaskEnded> seal_end(const model::task_end& end);

[[nodiscard]] model::version_ranges decode(capnp::List<wire::VersionRange>::Reader from);
/// Fills a list that initX(ranges.size()) made.
void encode(const model::version_ranges& ranges, capnp::List<wire::VersionRange>::Builder to);

[[nodiscard]] model::disk_changed decode(wire::DiskChanges::Reader from);
[[nodiscard]] sealed<wire::DiskChanges> seal_changes(const model::disk_changed& changes);

/// The report an effect asks for, read out of the book it came from.
[[nodiscard]] sealed<wire::TabletReport> seal_report(const model::report_book& book,
                                                     const model::send_full& what, std::uint64_t boot);
[[nodiscard]] sealed<wire::TabletReport> seal_report(const model::report_book& book,
                                                     const model::send_changes& what, std::uint64_t boot);

[[nodiscard]] model::clone_event decode(wire::CloneEvent::Reader from);
[[nodiscard]] sealed<wire::CloneEvent> seal_event(const model::clone_event& event);

} // namespace tabletd::codec
