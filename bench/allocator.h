#pragma once
// What the allocator keeps and counts.  Weak: a sanitizer's build has another one, which does neither.
#include <cstddef>

extern "C" {
// Of gperftools/malloc_extension_c.h.
void MallocExtension_ReleaseFreeMemory() __attribute__((weak));
int MallocExtension_GetNumericProperty(const char* property, std::size_t* value) __attribute__((weak));
}

namespace tabletd {

/// What is kept for later would hide what the next step takes.
inline void release_free_memory() {
  if (MallocExtension_ReleaseFreeMemory)
    MallocExtension_ReleaseFreeMemory();
}

/// 0: nobody counts.
inline std::size_t allocated_bytes() {
  std::size_t bytes = 0;
  if (MallocExtension_GetNumericProperty)
    MallocExtension_GetNumericProperty("generic.current_allocated_bytes", &bytes);
  return bytes;
}

} // namespace tabletd
