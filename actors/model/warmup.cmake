target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/warmup_heat.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_jobs.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_lane.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_placement.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_plan.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_push.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_records.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_report.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_slot.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_serving.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_split.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_text.cpp)
