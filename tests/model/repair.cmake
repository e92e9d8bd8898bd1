# The repair room's decisions.
tabletd_test(repair_model_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/checker_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/colocate_balance_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/health_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/health_places_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement_table_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remedies_converge_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_queue_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_balance_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_change_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_plan_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_random_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_slots_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/sched_ctx_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/slot_pace_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/slots_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/what_if_test.cpp)
