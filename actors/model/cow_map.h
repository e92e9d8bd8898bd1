#pragma once
// A persistent ordered map from 64-bit ids to values.  Copying it is one pointer, so a
// reader keeps a frozen snapshot while the fold goes on; a write copies only the path to
// its leaf, and not even that when nobody else holds it.  One writer thread per map.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace tabletd::model {

/// Id: an enum class over uint64.  Values are visited in ascending id order.
template <class Id, class T>
class cow_map {
public:
  cow_map() = default;
  cow_map(const cow_map& other) : root_(share(other.root_)), height_(other.height_), size_(other.size_) {}
  cow_map(cow_map&& other) noexcept { swap(other); }
  cow_map& operator=(cow_map other) noexcept {
    swap(other);
    return *this;
  }
  ~cow_map() { release(root_, height_); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// The value, or nullptr.  Valid until this map is written or destroyed.
  [[nodiscard]] const T* find(Id id) const {
    const auto key = static_cast<std::uint64_t>(id);
    const node* at = root_;
    if (!at || !fits(key, height_))
      return nullptr;
    for (int level = height_; level > 0; --level) {
      at = child(*at, slot(key, level));
      if (!at)
        return nullptr;
    }
    return value(*at, slot(key, 0));
  }
  [[nodiscard]] bool contains(Id id) const { return find(id) != nullptr; }

  /// Inserts or replaces.
  T& put(Id id, T value) {
    T& at = slot_for_write(static_cast<std::uint64_t>(id));
    at = std::move(value);
    return at;
  }

  /// The value for writing, or nullptr; copies the path if a snapshot shares it.
  T* edit(Id id) { return contains(id) ? &slot_for_write(static_cast<std::uint64_t>(id)) : nullptr; }

  bool erase(Id id) {
    if (!contains(id))
      return false;
    erase_below(root_, static_cast<std::uint64_t>(id), height_);
    --size_;
    return true;
  }

  /// visit(Id, const T&); returning false (when it returns bool) stops.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for_each_from(Id{}, std::forward<Visit>(visit));
  }
  /// As for_each, from the first id >= `first` on.
  template <class Visit>
  void for_each_from(Id first, Visit&& visit) const {
    const auto key = static_cast<std::uint64_t>(first);
    if (root_ && fits(key, height_))
      walk(*root_, height_, 0, key, visit);
  }

  /// Makes a whole map of values that come by ascending id, at a fraction of what put() costs.
  class builder;

  /// visit(Id, const T* before, const T* after) for every id whose value may differ between
  /// the two maps; nullptr where it is missing.  Subtrees that both share are skipped, so two
  /// snapshots of one fold cost what changed between them (times the 32 values of a leaf).
  template <class Visit>
  void for_each_difference(const cow_map& before, Visit&& visit) const {
    const view was{before.root_, before.height_};
    const view is{root_, height_};
    compare(was, is, std::max(height_, before.height_), 0, visit);
  }

private:
  static constexpr int bits = 5;
  static constexpr unsigned fanout = 1U << bits;
  /// std::popcount() is a call into a library on processors of unknown age, and every step
  /// down the tree counts: sums of 2, 4 and 8 bits side by side, then of all bytes.
  static constexpr int ones(std::uint32_t bits_set) {
    bits_set -= bits_set >> 1U & 0x5555'5555U;
    bits_set = (bits_set & 0x3333'3333U) + (bits_set >> 2U & 0x3333'3333U);
    bits_set = (bits_set + (bits_set >> 4U)) & 0x0F0F'0F0FU;
    return static_cast<int>(bits_set * 0x0101'0101U >> 24U);
  }

  /// The head of one block of memory; behind it lie, packed, the nodes below (owned) or, in a
  /// leaf, the values.  `present` says which of the 32 there are.
  struct node {
    std::atomic<std::uint32_t> owners{1};
    std::uint32_t present = 0;

    [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(ones(present)); }
    [[nodiscard]] bool has(unsigned slot) const { return (present >> slot & 1U) != 0; }
    [[nodiscard]] std::size_t at(unsigned slot) const {
      return static_cast<std::size_t>(ones(present & ((1U << slot) - 1)));
    }
  };
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

  /// E: node* (below an inner node) or T (of a leaf).
  template <class E>
  static constexpr std::size_t offset() {
    return std::max(sizeof(node), alignof(E));
  }
  template <class E>
  [[nodiscard]] static E* elements(const node& of) {
    auto* block = reinterpret_cast<std::byte*>(const_cast<node*>(&of));
    return std::launder(reinterpret_cast<E*>(block + offset<E>()));
  }
  [[nodiscard]] static const node* child(const node& of, unsigned slot) {
    return of.has(slot) ? elements<node*>(of)[of.at(slot)] : nullptr;
  }
  [[nodiscard]] static const T* value(const node& of, unsigned slot) {
    return of.has(slot) ? elements<T>(of) + of.at(slot) : nullptr;
  }

  template <class E>
  [[nodiscard]] static node* allocate(std::size_t count) {
    return new (::operator new(offset<E>() + count * sizeof(E))) node;
  }
  /// Its elements are destroyed or have moved away.
  static void deallocate(node* block) {
    block->~node();
    ::operator delete(block);
  }
  [[nodiscard]] static node* share(node* of) {
    if (of)
      of->owners.fetch_add(1, std::memory_order_relaxed);
    return of;
  }
  static void release(node* of, int level) {
    if (!of || of->owners.fetch_sub(1, std::memory_order_acq_rel) > 1)
      return;
    if (level > 0)
      std::for_each_n(elements<node*>(*of), of->count(), [level](node* below) { release(below, level - 1); });
    else
      std::destroy_n(elements<T>(*of), of->count());
    deallocate(of);
  }

  template <class E>
  [[nodiscard]] static node* clone(const node& from) {
    auto* copy = allocate<E>(from.count());
    if constexpr (std::is_same_v<E, T>)
      std::uninitialized_copy_n(elements<E>(from), from.count(), elements<E>(*copy));
    else
      std::transform(elements<E>(from), elements<E>(from) + from.count(), elements<E>(*copy), share);
    copy->present = from.present;
    return copy;
  }
  /// Before a write: a node that others hold too is copied.  Of one's own, what the last of them
  /// read happened before: the acquire meets its release.
  static void own(node*& link, int level) {
    if (link->owners.load(std::memory_order_acquire) > 1)
      release(std::exchange(link, level > 0 ? clone<node*>(*link) : clone<T>(*link)), level);
  }

  /// The block grows or shrinks by the element of one slot; the others keep their order.
  template <class E>
  static void insert(node*& link, unsigned slot, E element) {
    const auto i = link->at(slot);
    auto* wider = allocate<E>(link->count() + 1);
    move_elements<E>(*link, 0, i, *wider, 0);
    std::construct_at(elements<E>(*wider) + i, std::move(element));
    move_elements<E>(*link, i, link->count(), *wider, i + 1);
    wider->present = link->present | 1U << slot;
    deallocate(std::exchange(link, wider));
  }
  template <class E>
  static void remove(node*& link, unsigned slot) {
    const auto i = link->at(slot);
    auto* narrower = allocate<E>(link->count() - 1);
    move_elements<E>(*link, 0, i, *narrower, 0);
    std::destroy_at(elements<E>(*link) + i);
    move_elements<E>(*link, i + 1, link->count(), *narrower, i);
    narrower->present = link->present & ~(1U << slot);
    deallocate(std::exchange(link, narrower));
  }
  template <class E>
  static void move_elements(node& from, std::size_t first, std::size_t last, node& to, std::size_t at) {
    auto* source = elements<E>(from);
    std::uninitialized_move(source + first, source + last, elements<E>(to) + at);
    std::destroy(source + first, source + last);
  }

  static unsigned slot(std::uint64_t key, int level) {
    return static_cast<unsigned>(key >> (level * bits)) & (fanout - 1);
  }
  static bool fits(std::uint64_t key, int height) {
    const int used = (height + 1) * bits;
    return used >= 64 || key >> used == 0;
  }

  T& slot_for_write(std::uint64_t key) {
    if (!root_)
      root_ = allocate<T>(0);
    for (; !fits(key, height_); ++height_)
      if (root_->present != 0) {
        auto* taller = allocate<node*>(1);
        taller->present = 1;
        *elements<node*>(*taller) = std::exchange(root_, taller);
      } // Else nobody can tell an empty leaf from an empty inner node.
    node** link = &root_;
    for (int level = height_; level > 0; --level) {
      own(*link, level);
      const unsigned s = slot(key, level);
      if (!(*link)->has(s))
        insert<node*>(*link, s, allocate<T>(0));
      link = &elements<node*>(**link)[(*link)->at(s)];
    }
    own(*link, 0);
    const unsigned s = slot(key, 0);
    if (!(*link)->has(s)) {
      insert<T>(*link, s, T{});
      ++size_;
    }
    return elements<T>(**link)[(*link)->at(s)];
  }

  static void erase_below(node*& link, std::uint64_t key, int level) {
    own(link, level);
    const unsigned s = slot(key, level);
    if (level == 0)
      return remove<T>(link, s);
    auto*& below = elements<node*>(*link)[link->at(s)];
    erase_below(below, key, level - 1);
    if (below->present == 0) {
      release(below, level - 1);
      remove<node*>(link, s);
    }
  }

  void swap(cow_map& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(height_, other.height_);
    std::swap(size_, other.size_);
  }

  template <class Visit>
  static bool walk(const node& here, int level, std::uint64_t prefix, std::uint64_t first, Visit& visit) {
    for (unsigned s = 0; s < fanout; ++s) {
      if (!here.has(s))
        continue;
      const std::uint64_t key = prefix | static_cast<std::uint64_t>(s) << (level * bits);
      if (level > 0) {
        const std::uint64_t last = key | ((std::uint64_t{1} << (level * bits)) - 1);
        if (last >= first && !walk(*child(here, s), level - 1, key, first, visit))
          return false;
      } else if (key >= first) {
        if constexpr (std::is_same_v<decltype(visit(Id{}, *value(here, s))), bool>) {
          if (!visit(static_cast<Id>(key), *value(here, s)))
            return false;
        } else {
          visit(static_cast<Id>(key), *value(here, s));
        }
      }
    }
    return true;
  }

  /// A subtree seen from a level above its own: the missing levels are only children 0.
  struct view {
    const node* at = nullptr;
    int height = 0;
    [[nodiscard]] view child(unsigned s, int level) const {
      if (!at)
        return {};
      if (height < level)
        return s == 0 ? *this : view{};
      return {cow_map::child(*at, s), level - 1};
    }
    friend bool operator==(const view&, const view&) = default;
  };

  template <class Visit>
  static void compare(const view& was, const view& is, int level, std::uint64_t prefix, Visit& visit) {
    if (was.at == is.at && (!was.at || was.height == is.height))
      return;
    for (unsigned s = 0; s < fanout; ++s) {
      const std::uint64_t key = prefix | static_cast<std::uint64_t>(s) << (level * bits);
      if (level > 0) {
        compare(was.child(s, level), is.child(s, level), level - 1, key, visit);
        continue;
      }
      const T* before = was.at ? value(*was.at, s) : nullptr;
      const T* after = is.at ? value(*is.at, s) : nullptr;
      if (before || after)
        visit(static_cast<Id>(key), before, after);
    }
  }

  node* root_ = nullptr;
  int height_ = 0;
  std::size_t size_ = 0;
};

template <class Id, class T>
class cow_map<Id, T>::builder {
public:
  builder() { leaf_.reserve(fanout); }
  builder(const builder&) = delete;
  ~builder() {
    for (std::size_t level = 1; level < levels_max; ++level)
      std::for_each_n(open_[level].below.begin(), open_[level].count,
                      [level](node* below) { release(below, static_cast<int>(level) - 1); });
  }

  /// The id of the last value, and whether there is one.
  [[nodiscard]] bool follows(Id id) const { return size_ == 0 || static_cast<std::uint64_t>(id) > last_; }
  /// `id` follows() the last one.
  template <class Value>
  void append(Id id, Value&& value) {
    const auto key = static_cast<std::uint64_t>(id);
    if (!leaf_.empty() && key >> bits != last_ >> bits)
      close_leaf();
    present_ |= 1U << slot(key, 0);
    leaf_.emplace_back(std::forward<Value>(value));
    last_ = key;
    ++size_;
  }
  /// The map; the builder is as new.
  [[nodiscard]] cow_map finish() {
    cow_map made;
    if (size_ > 0) {
      while (!fits(last_, made.height_))
        ++made.height_;
      if (made.height_ == 0) {
        made.root_ = leaf_node();
      } else {
        close_leaf();
        for (int level = 1; level < made.height_; ++level)
          close(level);
        made.root_ = inner_node(open_[static_cast<std::size_t>(made.height_)]);
      }
    }
    made.size_ = std::exchange(size_, 0);
    return made;
  }

private:
  static constexpr std::size_t levels_max = 64 / bits + 1;
  /// An inner node that is not full yet, at the level of its index.
  struct open_node {
    std::array<node*, fanout> below;
    std::size_t count = 0;
    std::uint32_t present = 0;
    std::uint64_t prefix{};
  };

  node* leaf_node() {
    auto* made = allocate<T>(leaf_.size());
    std::uninitialized_move(leaf_.begin(), leaf_.end(), elements<T>(*made));
    made->present = std::exchange(present_, 0);
    leaf_.clear();
    return made;
  }
  static node* inner_node(open_node& from) {
    auto* made = allocate<node*>(from.count);
    std::copy_n(from.below.begin(), from.count, elements<node*>(*made));
    made->present = std::exchange(from.present, 0);
    from.count = 0;
    return made;
  }
  void close_leaf() { adopt(1, last_ >> bits, leaf_node()); }
  void close(int level) {
    auto& done = open_[static_cast<std::size_t>(level)];
    adopt(level + 1, done.prefix, inner_node(done));
  }
  /// `below` stands for the keys that begin with `prefix`.
  void adopt(int level, std::uint64_t prefix, node* below) {
    auto& into = open_[static_cast<std::size_t>(level)];
    if (into.count > 0 && into.prefix != prefix >> bits)
      close(level);
    into.prefix = prefix >> bits;
    into.present |= 1U << (prefix & (fanout - 1));
    into.below[into.count++] = below;
  }

  std::vector<T> leaf_;
  std::uint32_t present_ = 0;
  std::array<open_node, levels_max> open_{}; ///< [0] is the leaf's and stays empty.
  std::uint64_t last_ = 0;
  std::size_t size_ = 0;
};

} // namespace tabletd::model
