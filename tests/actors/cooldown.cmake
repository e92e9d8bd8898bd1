# The leader's side of cooldown in a frozen world.
tabletd_test(cooldown_overseer_test LIBS tabletd_cooldown LABELS actors SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_overseer_recall_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_overseer_test.cpp ${CMAKE_CURRENT_LIST_DIR}/cooldown_scope_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote_purger_test.cpp)
