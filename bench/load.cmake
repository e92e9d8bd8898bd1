add_executable(load_bench ${CMAKE_CURRENT_LIST_DIR}/load_bench.cpp)
target_link_libraries(load_bench PRIVATE tabletd_flags tabletd_play tabletd_node fmt::fmt)
add_dependencies(load_bench tabletd)
target_compile_definitions(load_bench PRIVATE TABLETD_BINARY="$<TARGET_FILE:tabletd>")
