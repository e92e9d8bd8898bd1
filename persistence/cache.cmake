# The cache of remote segments on a backend's own disks.
add_library(tabletd_cache STATIC
  ${CMAKE_CURRENT_LIST_DIR}/cache/cache_policy.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/partition_heat.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cache/token_bucket.cpp)
target_link_libraries(tabletd_cache PUBLIC tabletd_remote)
