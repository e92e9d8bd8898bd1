# The repair room's actors, one at a time in a frozen world and all together in a simulation.
tabletd_test(repair_actors_test LIBS tabletd_repair LABELS actors SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/repair_actors_test.cpp)
tabletd_test(repair_sim_test LIBS tabletd_repair tabletd_catalog LABELS actors sim SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/repair_sim.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_sim_cast.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_sim_faults.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_sim_front.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_sim_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/repair_sim_truth.cpp)
# Ten thousand seeds: half of them in each of two runs, so that both cores have some.
add_test(NAME repair_sim_test_2 COMMAND repair_sim_test)
set_tests_properties(repair_sim_test PROPERTIES ENVIRONMENT "GTEST_TOTAL_SHARDS=2;GTEST_SHARD_INDEX=0")
set_tests_properties(repair_sim_test_2 PROPERTIES LABELS "actors;sim" TIMEOUT 900
                     ENVIRONMENT "GTEST_TOTAL_SHARDS=2;GTEST_SHARD_INDEX=1")
