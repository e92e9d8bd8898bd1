# The memory of the replicated log: the models one by one, and a simulated group of them.
tabletd_test(log_memory_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/append_gate_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_admission_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/unapplied_log_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_cache_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_memory_group.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_memory_group_hosts.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_memory_random_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_memory_sim_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/memory_governor_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/send_window_test.cpp)
