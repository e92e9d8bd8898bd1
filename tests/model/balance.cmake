# Where replicas should go so that backends, tables and disks are evenly loaded.
tabletd_test(balance_model_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/balance_media_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_paths_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_planner_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_random_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_state_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_statistic_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/plan_follower_test.cpp)
