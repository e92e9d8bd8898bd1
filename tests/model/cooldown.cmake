# Cooldown: who uploads, what is followed, what may be deleted.
tabletd_test(cooldown_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_compaction_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_recall_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_rules_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_vectors_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_upkeep_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote_purge_test.cpp)
tabletd_test(cooldown_simulation_test LIBS tabletd_model LABELS model SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_backend.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_leader.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_repair.cpp cooldown_simulation_promises.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_test.cpp)
add_executable(cooldown_simulation
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_backend.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_leader.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_repair.cpp cooldown_simulation_promises.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_simulation_main.cpp)
target_link_libraries(cooldown_simulation PRIVATE tabletd_flags tabletd_model)
