# The cache of remote segments on a backend's own disks.
add_library(tabletd_cache STATIC
  ${CMAKE_CURRENT_LIST_DIR}/cache/block_file.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/byte_rate.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/cache_fill.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/cache_flight.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/cache_index.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/cache_path.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/cache_policy.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/cache_upkeep.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/cached_segment.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/file_cache.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/meta_cache.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/partition_heat.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/token_bucket.cpp)
target_link_libraries(tabletd_cache PUBLIC tabletd_remote)
