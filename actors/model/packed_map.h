#pragma once
// A persistent sorted map for many small values under sparse ids: what one backend holds of
// ten million tablets.  cow_map would spend a node of eighty bytes on almost every one of
// them; here an entry costs its sixteen bytes and little more (the 100 bytes per replica of
// design/architecture.md 7).  Like cow_map, copying it is one pointer, and one thread writes.
//
// A B+ tree: leaves hold entries in order, inner nodes the least id of each child.  A node is
// split when full and joined with its neighbour when both are nearly empty.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace tabletd::model {

/// Id: an enum class over uint64; T: cheap to copy.  Values are visited in ascending id order.
template <class Id, class T>
class packed_map {
public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// The value, or nullptr.  Valid until this map is written or destroyed.
  [[nodiscard]] const T* find(Id id) const {
    const node* at = root_.get();
    while (at && !at->children.empty()) {
      const auto next = at->child_of(id);
      at = at->children[next].at.get();
    }
    if (!at)
      return nullptr;
    const auto hit = at->entry_from(id);
    return hit != at->entries.end() && hit->first == id ? &hit->second : nullptr;
  }
  [[nodiscard]] bool contains(Id id) const { return find(id) != nullptr; }

  /// Inserts or replaces.
  void put(Id id, T value) {
    if (!root_)
      root_ = std::make_shared<node>();
    auto right = put_below(root_, id, std::move(value));
    if (!right)
      return;
    auto taller = std::make_shared<node>();
    taller->children = {{root_->least(), root_}, {right->least(), right}};
    root_ = std::move(taller);
  }

  bool erase(Id id) {
    if (!contains(id))
      return false;
    erase_below(root_, id);
    --size_;
    while (root_ && root_->children.size() == 1)
      root_ = node_ptr{root_->children.front().at};
    if (size_ == 0)
      root_ = nullptr;
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
    if (root_)
      walk(*root_, first, visit);
  }

  /// Makes a whole map of values that come by ascending id, at a fraction of what put() costs.
  class builder;

private:
  static constexpr std::size_t entries_max = 128;
  static constexpr std::size_t children_max = 64;
  struct node;
  using node_ptr = std::shared_ptr<node>;
  using entry = std::pair<Id, T>;
  struct child {
    Id least{};
    node_ptr at;
  };

  struct node {
    std::vector<entry> entries;  // Leaf.
    std::vector<child> children; // Inner node.

    [[nodiscard]] Id least() const {
      return children.empty() ? entries.front().first : children.front().least;
    }
    [[nodiscard]] bool full() const {
      return entries.size() == entries_max || children.size() == children_max;
    }
    [[nodiscard]] bool bare() const { return entries.empty() && children.empty(); }
    /// The last child whose least id is not above `id`; the first for an id below all.
    [[nodiscard]] std::size_t child_of(Id id) const {
      const auto above = std::upper_bound(children.begin(), children.end(), id,
                                          [](Id x, const child& c) { return x < c.least; });
      return above == children.begin() ? 0 : static_cast<std::size_t>(above - children.begin()) - 1;
    }
    [[nodiscard]] auto entry_from(Id id) const {
      return std::lower_bound(entries.begin(), entries.end(), id,
                              [](const entry& e, Id x) { return e.first < x; });
    }
  };

  static node& own(node_ptr& at) {
    if (at.use_count() > 1)
      at = std::make_shared<node>(*at);
#ifndef __SANITIZE_THREAD__ // It knows no fences and says so with a warning.
    else                    // Alone again: what the last reader read happened before we write.
      std::atomic_thread_fence(std::memory_order_acquire);
#endif
    return *at;
  }

  /// Moves the upper part of a full node into a new right neighbour.  At the end of the map
  /// almost everything stays: ids mostly grow, and half-empty nodes would never fill.
  static node_ptr split(node& here, bool at_end) {
    auto right = std::make_shared<node>();
    const auto part = [at_end](auto& from, auto& to) {
      const auto keep = static_cast<std::ptrdiff_t>(at_end ? from.size() - 1 : from.size() / 2);
      to.assign(std::make_move_iterator(from.begin() + keep), std::make_move_iterator(from.end()));
      from.erase(from.begin() + keep, from.end());
    };
    if (here.children.empty())
      part(here.entries, right->entries);
    else
      part(here.children, right->children);
    return right;
  }

  /// The new right neighbour, if `link` had to be split.
  node_ptr put_below(node_ptr& link, Id id, T value) {
    node& here = own(link);
    bool at_end = false;
    if (here.children.empty()) {
      const auto at = here.entries.begin() + (here.entry_from(id) - here.entries.cbegin());
      if (at != here.entries.end() && at->first == id) {
        at->second = std::move(value);
        return nullptr;
      }
      at_end = at == here.entries.end();
      here.entries.insert(at, {id, std::move(value)});
      ++size_;
    } else {
      const auto i = here.child_of(id);
      auto right = put_below(here.children[i].at, id, std::move(value));
      here.children[i].least = here.children[i].at->least();
      if (!right)
        return nullptr;
      at_end = i + 1 == here.children.size();
      const auto least = right->least();
      here.children.insert(here.children.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                           child{least, std::move(right)});
    }
    return here.full() ? split(here, at_end) : nullptr;
  }

  void erase_below(node_ptr& link, Id id) {
    node& here = own(link);
    if (here.children.empty()) {
      here.entries.erase(here.entries.begin() + (here.entry_from(id) - here.entries.cbegin()));
      return;
    }
    const auto i = here.child_of(id);
    erase_below(here.children[i].at, id);
    if (here.children[i].at->bare()) {
      here.children.erase(here.children.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
    here.children[i].least = here.children[i].at->least();
    if (i > 0)
      join(here, i - 1);
    else if (here.children.size() > 1)
      join(here, 0);
  }

  /// Children i and i + 1 become one if that one is at most half full.
  static void join(node& here, std::size_t i) {
    const node& left = *here.children[i].at;
    const node& right = *here.children[i + 1].at;
    if (left.entries.size() + right.entries.size() > entries_max / 2
        || left.children.size() + right.children.size() > children_max / 2)
      return;
    node& joined = own(here.children[i].at);
    joined.entries.insert(joined.entries.end(), right.entries.begin(), right.entries.end());
    joined.children.insert(joined.children.end(), right.children.begin(), right.children.end());
    here.children.erase(here.children.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }

  template <class Visit>
  static bool walk(const node& here, Id first, Visit& visit) {
    for (auto at = here.entry_from(first); at != here.entries.end(); ++at) {
      if constexpr (std::is_same_v<decltype(visit(at->first, at->second)), bool>) {
        if (!visit(at->first, at->second))
          return false;
      } else {
        visit(at->first, at->second);
      }
    }
    for (auto i = here.child_of(first); i < here.children.size(); ++i)
      if (!walk(*here.children[i].at, first, visit))
        return false;
    return true;
  }

  node_ptr root_;
  std::size_t size_ = 0;
};

template <class Id, class T>
class packed_map<Id, T>::builder {
public:
  [[nodiscard]] bool follows(Id id) const { return size_ == 0 || id > last_; }
  /// `id` follows() the last one.
  void append(Id id, T value) {
    if (!leaf_ || leaf_->entries.size() == entries_max - 1) { // As full as put() leaves them.
      leaf_ = std::make_shared<node>();
      leaf_->entries.reserve(entries_max - 1);
      level_.push_back({id, leaf_});
    }
    leaf_->entries.emplace_back(id, std::move(value));
    last_ = id;
    ++size_;
  }
  /// The map; the builder is as new.
  [[nodiscard]] packed_map finish() {
    leaf_ = nullptr;
    packed_map made;
    while (level_.size() > 1)
      level_ = parents();
    if (!level_.empty())
      made.root_ = std::move(level_.front().at);
    level_.clear();
    made.size_ = std::exchange(size_, 0);
    return made;
  }

private:
  std::vector<child> parents() {
    std::vector<child> above;
    for (std::size_t at = 0; at < level_.size(); at += children_max - 1) {
      auto parent = std::make_shared<node>();
      const auto end = std::min(at + children_max - 1, level_.size());
      parent->children.assign(level_.begin() + static_cast<std::ptrdiff_t>(at),
                              level_.begin() + static_cast<std::ptrdiff_t>(end));
      above.push_back({parent->least(), std::move(parent)});
    }
    return above;
  }

  node_ptr leaf_;            ///< The last of level_.
  std::vector<child> level_; ///< Leaves.
  Id last_{};
  std::size_t size_ = 0;
};

} // namespace tabletd::model
