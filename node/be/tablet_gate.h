#pragma once
// Keeps a tablet still while it switches from one path to another.  What changes the rowsets of
// tablets - publish, abort, prepare - passes the gate first; a switch shuts it for one tablet,
// waits for what is inside, and has the tablet for itself.  Appends, reads and checks need no
// pass: a switch does them no harm.  Loop thread only.
#include <kj/async.h>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

namespace tabletd {

class tablet_gate : public std::enable_shared_from_this<tablet_gate> {
public:
  /// Holds its tablets from admitted() until it is dropped.  Keep it until the disks are done,
  /// not only until the caller has lost interest (on_disk's `keep`).
  class pass;
  using pass_ptr = std::shared_ptr<pass>;
  /// Holds others up as long as it lives.
  class closure;
  using closure_ptr = std::shared_ptr<closure>;

  /// `tablets` empty: any of them.
  [[nodiscard]] pass_ptr enter(std::vector<std::uint64_t> tablets);
  /// Nothing new gets to `tablet` from now on.
  [[nodiscard]] closure_ptr shut(std::uint64_t tablet);

private:
  void step();
  std::list<pass*> passes_;
  std::list<closure*> closures_;
};

class tablet_gate::pass {
public:
  ~pass();
  /// Once: resolves when the tablets are free.
  [[nodiscard]] kj::Promise<void> admitted();

private:
  friend class tablet_gate;
  pass(std::shared_ptr<tablet_gate> gate, std::vector<std::uint64_t> tablets);
  [[nodiscard]] bool concerns(std::uint64_t tablet) const;

  std::shared_ptr<tablet_gate> gate_;
  const std::vector<std::uint64_t> tablets_;
  bool inside_ = false;
  kj::Own<kj::PromiseFulfiller<void>> waiter_;
};

class tablet_gate::closure {
public:
  ~closure();
  /// Once: resolves when nobody is inside any more.
  [[nodiscard]] kj::Promise<void> alone();

private:
  friend class tablet_gate;
  closure(std::shared_ptr<tablet_gate> gate, std::uint64_t tablet);

  std::shared_ptr<tablet_gate> gate_;
  const std::uint64_t tablet_;
  bool alone_ = false;
  kj::Own<kj::PromiseFulfiller<void>> waiter_;
};

} // namespace tabletd
