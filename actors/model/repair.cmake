# What is wrong with a tablet, what to do about it, and who does it when.
target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/assessment.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checker.cpp
  ${CMAKE_CURRENT_LIST_DIR}/colocate_balance.cpp
  ${CMAKE_CURRENT_LIST_DIR}/health.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_score.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement_balance.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement_drop.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement_path.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement_table.cpp
  ${CMAKE_CURRENT_LIST_DIR}/placement_text.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_hints.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_queue.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_cluster.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_slots.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_scheduler_view.cpp
  ${CMAKE_CURRENT_LIST_DIR}/sched_ctx.cpp
  ${CMAKE_CURRENT_LIST_DIR}/slot_pace.cpp
  ${CMAKE_CURRENT_LIST_DIR}/slots.cpp
  ${CMAKE_CURRENT_LIST_DIR}/what_if.cpp)
