target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/append_gate.cpp
  ${CMAKE_CURRENT_LIST_DIR}/group_change.cpp
  ${CMAKE_CURRENT_LIST_DIR}/journal_pacing.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_admission.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_cache.cpp
  ${CMAKE_CURRENT_LIST_DIR}/memory_governor.cpp
  ${CMAKE_CURRENT_LIST_DIR}/send_window.cpp
  ${CMAKE_CURRENT_LIST_DIR}/unapplied_log.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log_outline.cpp
  ${CMAKE_CURRENT_LIST_DIR}/peer_greeting.cpp)
