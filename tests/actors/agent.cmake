# The shells of a backend's models, in a frozen world.
tabletd_test(agent_actors_test LIBS tabletd_agent tabletd_supervision LABELS actors SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/agent_test.cpp ${CMAKE_CURRENT_LIST_DIR}/cooldown_keeper_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/warmup_keeper_test.cpp)
