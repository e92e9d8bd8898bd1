# Where replicas should go so that backends, tables and disks are evenly loaded.
target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/load_statistic.cpp)
