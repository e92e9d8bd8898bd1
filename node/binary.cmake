# One binary; called tabletctl it is the console.
add_executable(tabletd main.cpp fe_main.cpp be_main.cpp)
set_target_properties(tabletd PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
include(${CMAKE_CURRENT_SOURCE_DIR}/metrics.cmake)
target_link_libraries(tabletd PRIVATE tabletd_node_fe tabletd_node_be tabletd_play tabletd_tabletctl)
add_custom_command(TARGET tabletd POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E create_symlink tabletd tabletctl
  WORKING_DIRECTORY $<TARGET_FILE_DIR:tabletd>)
