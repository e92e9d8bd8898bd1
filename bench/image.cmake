add_executable(image_bench ${CMAKE_CURRENT_LIST_DIR}/image_bench.cpp ${CMAKE_CURRENT_LIST_DIR}/large_catalog.cpp)
target_link_libraries(image_bench PRIVATE tabletd_flags tabletd_checkpoint fmt::fmt)
