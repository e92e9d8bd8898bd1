#pragma once
// What the catalog gets next.  One batch is under way at a time; entries no sink has
// answered for stay in memory, older ones come from the log, and the two meet without a
// gap or a repetition.  Knows no actor and no disk.
#include "actors/journal/ports.h"
#include "actors/model/ids.h"

#include <deque>
#include <variant>

namespace tabletd {

/// An entry as the catalog gets it.
struct committed_entry {
  std::uint64_t index{};
  model::term term{};
  edit_message edit;  ///< Empty: an entry of consensus itself.
};

struct delivery_limits {
  std::size_t batch_entries = 1'024;
  std::size_t batch_bytes = 4U << 20;  ///< At least one entry, whatever its size.
};

/// Collects entries in log order until the next one belongs to another batch.
class batch_builder {
public:
  batch_builder(std::uint64_t first, delivery_limits limits) : limits_(limits), batch_{first, 0, {}} {}
  /// False, and nothing is taken: the batch is full, or the entry is of another term.
  bool take(const committed_entry& entry);
  [[nodiscard]] committed_batch finish() { return std::move(batch_); }

private:
  delivery_limits limits_;
  committed_batch batch_;
  std::size_t bytes_ = 0;
};

class delivery {
public:
  explicit delivery(delivery_limits limits) : limits_(limits) {}

  /// A new, durable entry, in log order.
  void add(committed_entry entry);
  /// What stood at `from` and beyond was never committed; its successors follow by add().
  void replace(std::uint64_t from);
  /// Entries before this one leave memory, and are read from the log when it is their turn.
  void forget_before(std::uint64_t index);
  /// An image stands for everything before `index`; nothing is delivered until attach().
  void restart(std::uint64_t index);
  /// Everything up to here is committed; never less than before.
  void commit(std::uint64_t upto) { committed_ = upto; }
  /// A sink wants everything from here on; the batch under way to another one is forgotten.
  void attach(std::uint64_t from);
  void detach() { attached_ = busy_ = false; }

  struct nothing {};  ///< There is nothing to send, or a batch is under way.
  struct read {       ///< Read one batch of `from`..`upto` from the log; then call under_way().
    std::uint64_t from{};
    std::uint64_t upto{};
  };
  using next_step = std::variant<nothing, read, committed_batch>;
  next_step next();
  /// A batch of so many entries that was read has been sent.
  void under_way(std::size_t entries) { batch_size_ = entries; }
  /// The batch under way was folded.
  void answered();

  /// A batch is under way, so its answers are due.
  [[nodiscard]] bool busy() const { return busy_; }
  /// Everything before was folded by the present sink.
  [[nodiscard]] std::uint64_t next_index() const { return next_; }
  /// Something is committed and not folded.
  [[nodiscard]] bool is_behind() const { return next_ <= committed_; }
  [[nodiscard]] const delivery_limits& limits() const { return limits_; }

private:
  delivery_limits limits_;
  std::deque<committed_entry> recent_;  ///< Not yet folded by any sink, up to the end of the log.
  std::uint64_t committed_ = 0;
  std::uint64_t next_ = 1;
  std::size_t batch_size_ = 0;
  bool attached_ = false;
  bool busy_ = false;
};

}  // namespace tabletd
