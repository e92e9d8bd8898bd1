#pragma once
// A persistent ordered map from 64-bit ids to values.  Copying it is one pointer, so a
// reader keeps a frozen snapshot while the fold goes on; a write copies only the path to
// its leaf, and not even that when nobody else holds it.  One writer thread per map.
#include <array>
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace tabletd::model {

/// Id: an enum class over uint64.  Values are visited in ascending id order.
template <class Id, class T>
class cow_map {
public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// The value, or nullptr.  Valid until this map is written or destroyed.
  [[nodiscard]] const T* find(Id id) const {
    const auto key = static_cast<std::uint64_t>(id);
    const node* at = root_.get();
    if (!at || !fits(key, height_))
      return nullptr;
    for (int level = height_; level > 0; --level) {
      at = at->child(slot(key, level));
      if (!at)
        return nullptr;
    }
    return at->value(slot(key, 0));
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

  /// visit(Id, const T* before, const T* after) for every id whose value may differ between
  /// the two maps; nullptr where it is missing.  Subtrees that both share are skipped, so two
  /// snapshots of one fold cost what changed between them (times the 32 values of a leaf).
  template <class Visit>
  void for_each_difference(const cow_map& before, Visit&& visit) const {
    const view was{before.root_.get(), before.height_};
    const view is{root_.get(), height_};
    compare(was, is, std::max(height_, before.height_), 0, visit);
  }

private:
  static constexpr int bits = 5;
  static constexpr unsigned fanout = 1U << bits;
  struct node;
  using node_ptr = std::shared_ptr<node>;

  /// std::popcount() is a call into a library on processors of unknown age, and every step
  /// down the tree counts: sums of 2, 4 and 8 bits side by side, then of all bytes.
  static constexpr int ones(std::uint32_t bits_set) {
    bits_set -= bits_set >> 1U & 0x5555'5555U;
    bits_set = (bits_set & 0x3333'3333U) + (bits_set >> 2U & 0x3333'3333U);
    bits_set = (bits_set + (bits_set >> 4U)) & 0x0F0F'0F0FU;
    return static_cast<int>(bits_set * 0x0101'0101U >> 24U);
  }

  /// Children and values are packed: `present` says which slots exist.
  struct node {
    std::uint32_t present = 0;
    std::unique_ptr<node_ptr[]> children; // Inner node.
    std::unique_ptr<T[]> values;          // Leaf.

    [[nodiscard]] int count() const { return ones(present); }
    [[nodiscard]] int rank(unsigned slot) const { return ones(present & ((1U << slot) - 1)); }
    [[nodiscard]] bool has(unsigned slot) const { return (present >> slot & 1U) != 0; }
    [[nodiscard]] const node* child(unsigned slot) const { return has(slot) ? children[at(slot)].get() : nullptr; }
    [[nodiscard]] const T* value(unsigned slot) const { return has(slot) ? &values[at(slot)] : nullptr; }
    [[nodiscard]] std::size_t at(unsigned slot) const { return static_cast<std::size_t>(rank(slot)); }

    [[nodiscard]] node_ptr clone() const {
      auto copy = std::make_shared<node>();
      copy->present = present;
      const auto n = static_cast<std::size_t>(count());
      if (children) {
        copy->children = std::make_unique<node_ptr[]>(n);
        std::copy_n(children.get(), n, copy->children.get());
      }
      if (values) {
        copy->values = std::make_unique<T[]>(n);
        std::copy_n(values.get(), n, copy->values.get());
      }
      return copy;
    }
  };

  static unsigned slot(std::uint64_t key, int level) {
    return static_cast<unsigned>(key >> (level * bits)) & (fanout - 1);
  }
  static bool fits(std::uint64_t key, int height) {
    const int used = (height + 1) * bits;
    return used >= 64 || key >> used == 0;
  }

  template <class E>
  static void insert(std::unique_ptr<E[]>& array, std::size_t count, std::size_t at) {
    auto wider = std::make_unique<E[]>(count + 1);
    std::move(array.get(), array.get() + at, wider.get());
    std::move(array.get() + at, array.get() + count, wider.get() + at + 1);
    array = std::move(wider);
  }
  template <class E>
  static void remove(std::unique_ptr<E[]>& array, std::size_t count, std::size_t at) {
    auto narrower = std::make_unique<E[]>(count - 1);
    std::move(array.get(), array.get() + at, narrower.get());
    std::move(array.get() + at + 1, array.get() + count, narrower.get() + at);
    array = std::move(narrower);
  }

  static node& own(node_ptr& at) {
    if (at.use_count() > 1)
      at = at->clone();
#ifndef __SANITIZE_THREAD__ // It knows no fences and says so with a warning.
    else // Alone again: what the last reader read happened before we write.
      std::atomic_thread_fence(std::memory_order_acquire);
#endif
    return *at;
  }

  T& slot_for_write(std::uint64_t key) {
    if (!root_)
      root_ = std::make_shared<node>();
    while (!fits(key, height_)) {
      auto taller = std::make_shared<node>();
      if (root_->present != 0) {
        taller->present = 1;
        taller->children = std::make_unique<node_ptr[]>(1);
        taller->children[0] = std::move(root_);
      }
      root_ = std::move(taller);
      ++height_;
    }
    node* at = &own(root_);
    for (int level = height_; level > 0; --level) {
      const unsigned s = slot(key, level);
      if (!at->has(s)) {
        insert(at->children, static_cast<std::size_t>(at->count()), at->at(s));
        at->present |= 1U << s;
        at->children[at->at(s)] = std::make_shared<node>();
      }
      at = &own(at->children[at->at(s)]);
    }
    const unsigned s = slot(key, 0);
    if (!at->has(s)) {
      insert(at->values, static_cast<std::size_t>(at->count()), at->at(s));
      at->present |= 1U << s;
      ++size_;
    }
    return at->values[at->at(s)];
  }

  static void erase_below(node_ptr& link, std::uint64_t key, int level) {
    node& here = own(link);
    const unsigned s = slot(key, level);
    const auto i = here.at(s);
    if (level == 0) {
      remove(here.values, static_cast<std::size_t>(here.count()), i);
      here.present &= ~(1U << s);
      return;
    }
    erase_below(here.children[i], key, level - 1);
    if (here.children[i]->present == 0) {
      remove(here.children, static_cast<std::size_t>(here.count()), i);
      here.present &= ~(1U << s);
    }
  }

  template <class Visit>
  static bool walk(const node& here, int level, std::uint64_t prefix, std::uint64_t first, Visit& visit) {
    for (unsigned s = 0; s < fanout; ++s) {
      if (!here.has(s))
        continue;
      const std::uint64_t key = prefix | static_cast<std::uint64_t>(s) << (level * bits);
      if (level > 0) {
        const std::uint64_t last = key | ((std::uint64_t{1} << (level * bits)) - 1);
        if (last >= first && !walk(*here.child(s), level - 1, key, first, visit))
          return false;
      } else if (key >= first) {
        if constexpr (std::is_same_v<decltype(visit(Id{}, *here.value(s))), bool>) {
          if (!visit(static_cast<Id>(key), *here.value(s)))
            return false;
        } else {
          visit(static_cast<Id>(key), *here.value(s));
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
      return {at->child(s), level - 1};
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
      const T* before = was.at ? was.at->value(s) : nullptr;
      const T* after = is.at ? is.at->value(s) : nullptr;
      if (before || after)
        visit(static_cast<Id>(key), before, after);
    }
  }

  node_ptr root_;
  int height_ = 0;
  std::size_t size_ = 0;
};

} // namespace tabletd::model
