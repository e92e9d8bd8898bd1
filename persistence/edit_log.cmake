target_sources(tabletd_persistence PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/sqlite.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/sqlite_edit_log.cpp)
