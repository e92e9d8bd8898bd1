target_sources(tabletd_model PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/supervision.cpp)
