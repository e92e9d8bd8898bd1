add_executable(balance_bench ${CMAKE_CURRENT_LIST_DIR}/balance_bench.cpp)
target_link_libraries(balance_bench PRIVATE tabletd_flags tabletd_model)
