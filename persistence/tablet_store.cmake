target_sources(tabletd_persistence PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/durable_file.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/space_quota.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/directory_lock.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/identity_file.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/node_dir.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/rowset_footer.cpp

  ${CMAKE_CURRENT_SOURCE_DIR}/rowset_file.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/rowset_merge.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/tablet_index.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/tablet_rows.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/tablet_files.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/sqlite_tablet_store.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/sqlite_tablet_load.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/sqlite_tablet_clone.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/sqlite_tablet_remote.cpp)
# Counting rows is the one loop over every byte of ours; -O2 does not vectorize it.
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/rowset_file.cpp PROPERTIES
  COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>")
