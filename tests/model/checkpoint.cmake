# Checkpoints: who makes them, and when the journal goes.
tabletd_test(checkpoint_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_controller_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_members_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_operator_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_worker_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/journal_retention_test.cpp)
tabletd_test(checkpoint_sim_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_sim.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_sim_hosts.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_sim_test.cpp)
