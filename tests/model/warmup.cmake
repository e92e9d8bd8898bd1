# Warm-up: what is warmed where, who says what to whom, what the log says.
tabletd_test(warmup_test LIBS tabletd_codec LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/warmup_lane_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_plan_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_push_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_records_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_report_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_serving_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_slot_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_vectors_test.cpp)
tabletd_test(warmup_simulation_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_backend.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_checks.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_leader.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_test.cpp)
add_executable(warmup_simulation
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_backend.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_checks.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_leader.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_simulation_main.cpp)
target_link_libraries(warmup_simulation PRIVATE tabletd_flags tabletd_model)
