target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_controller.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_members.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_worker.cpp
  ${CMAKE_CURRENT_LIST_DIR}/journal_retention.cpp)
