#pragma once
// A sequence that is nearly always short: the first N elements lie inside the object, more of
// them in one block outside.  A tablet keeps its replicas in one: with a vector each of ten
// million tablets would cost an allocation of its own, and every copy of a tree node thirty-two.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <type_traits>
#include <utility>

namespace tabletd::model {

/// The part of std::vector's interface that replicas need, with the same meaning.  Pointers and
/// iterators are valid until the list is changed or moved.
template <class T, std::uint32_t N>
class short_list {
  static_assert(std::is_trivially_copyable_v<T>, "elements are moved as bytes");

public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  short_list() {}
  short_list(std::initializer_list<T> from) {
    for (const auto& each : from)
      push_back(each);
  }
  short_list(const short_list& other) : size_(other.size_) {
    if (is_outside())
      outside_ = new T[size_];
    std::copy(other.begin(), other.end(), begin());
  }
  short_list(short_list&& other) noexcept { take(other); }
  short_list& operator=(const short_list& other) {
    if (this != &other)
      *this = short_list(other);
    return *this;
  }
  short_list& operator=(short_list&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  ~short_list() { clear(); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] iterator begin() { return is_outside() ? outside_ : inside(); }
  [[nodiscard]] iterator end() { return begin() + size_; }
  [[nodiscard]] const_iterator begin() const { return const_cast<short_list*>(this)->begin(); }
  [[nodiscard]] const_iterator end() const { return begin() + size_; }
  [[nodiscard]] T& operator[](std::size_t i) { return begin()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return begin()[i]; }
  [[nodiscard]] T& front() { return *begin(); }
  [[nodiscard]] const T& front() const { return *begin(); }
  [[nodiscard]] T& back() { return end()[-1]; }
  [[nodiscard]] const T& back() const { return end()[-1]; }

  void push_back(T value) {
    resize(size_ + 1);
    back() = value;
  }
  void pop_back() { resize(size_ - 1); }
  iterator erase(const_iterator at) {
    const auto i = at - begin();
    std::copy(begin() + i + 1, end(), begin() + i);
    resize(size_ - 1);
    return begin() + i;
  }
  void clear() { resize(0); }

  friend bool operator==(const short_list& a, const short_list& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  [[nodiscard]] T* inside() { return std::launder(reinterpret_cast<T*>(inside_)); }
  [[nodiscard]] bool is_outside() const { return size_ > N; }
  /// Outside there is never room to spare, and nobody is outside who fits inside.
  void resize(std::uint32_t size) {
    if (size > N || is_outside()) {
      T* const from = begin();
      T* const old = is_outside() ? outside_ : nullptr;
      T* const to = size > N ? new T[size] : nullptr;
      if (to) {
        std::copy_n(from, std::min(size_, size), to);
        outside_ = to;
      } else {
        std::copy_n(old, std::min(size_, size), inside());
      }
      delete[] old;
    }
    size_ = size;
  }
  void take(short_list& other) {
    if (other.is_outside())
      outside_ = other.outside_;
    else
      std::copy(other.begin(), other.end(), inside());
    size_ = std::exchange(other.size_, 0);
  }

  union {
    alignas(T) std::byte inside_[N * sizeof(T)];
    T* outside_;
  };
  std::uint32_t size_ = 0; ///< More than N: outside.  Last, so that who holds the list can use the padding.
};

} // namespace tabletd::model
