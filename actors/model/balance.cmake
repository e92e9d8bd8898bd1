# Where replicas should go so that backends, tables and disks are evenly loaded.
target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/balance_driver.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_goals.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_media.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_paths.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_plan.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_planner.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_rules.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_scores.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_search.cpp
  ${CMAKE_CURRENT_LIST_DIR}/balance_state.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_statistic.cpp
  ${CMAKE_CURRENT_LIST_DIR}/plan_follower.cpp)
