# A backend's decisions.
tabletd_test(agent_model_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/attach_fence_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/clone_life_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/move_life_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/report_book_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/snapshot_plan_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/task_book_test.cpp)
