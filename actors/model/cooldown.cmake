target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_cleanup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_compaction.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_due.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_handler.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_replica.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_sets.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_uploads.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_upkeep.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote_purge.cpp)
