# The leader's side of warm-up in a frozen world.
tabletd_test(warmup_overseer_test LIBS tabletd_warmup LABELS actors SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/warmup_heat_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_overseer_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_plans_test.cpp)
