add_executable(clone_bench ${CMAKE_CURRENT_LIST_DIR}/clone_bench.cpp)
target_link_libraries(clone_bench PRIVATE tabletd_flags tabletd_node_be fmt::fmt)
