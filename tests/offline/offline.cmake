# tabletctl offline, as people run it.
add_test(NAME offline_vectors COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/vectors_test.py
                                      $<TARGET_FILE:tabletctl_main> ${CMAKE_CURRENT_LIST_DIR}/vectors)
set_tests_properties(offline_vectors PROPERTIES LABELS offline TIMEOUT 120)

tabletd_test(offline_test LIBS tabletd_tabletctl tabletd_offline CapnProto::capnp-json LABELS offline SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/json_reader_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/scenario_test.cpp
  ${CMAKE_CURRENT_LIST_DIR}/simulation_test.cpp)

# Every scenario asserts what it is about.
foreach(story colocate_dead_member damage decommission_under_load disk_full fifty_backends one_dies
              returns_in_time rolling_restart two_of_three_lost)
  add_test(NAME offline_${story} COMMAND tabletctl_main offline simulate
                                         ${CMAKE_CURRENT_LIST_DIR}/scenarios/${story}.scenario)
  set_tests_properties(offline_${story} PROPERTIES LABELS offline TIMEOUT 600)
endforeach()

# The files of a front end that docs/offline.md looks at.
add_executable(offline_samples ${CMAKE_CURRENT_LIST_DIR}/samples.cpp)
target_link_libraries(offline_samples PRIVATE tabletd_flags tabletd_codec tabletd_persistence)
add_test(NAME offline_docs COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/docs_test.py
                                   $<TARGET_FILE:tabletctl_main> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:offline_samples>)
add_test(NAME offline_files COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/files_test.py
                                    $<TARGET_FILE:tabletctl_main> $<TARGET_FILE:offline_samples>)
set_tests_properties(offline_files PROPERTIES LABELS offline TIMEOUT 120)
set_tests_properties(offline_docs PROPERTIES LABELS offline TIMEOUT 120)
target_compile_definitions(offline_test PRIVATE OFFLINE_PAGE="${PROJECT_SOURCE_DIR}/docs/offline.md")
