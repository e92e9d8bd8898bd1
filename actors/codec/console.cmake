target_sources(tabletd_codec PRIVATE ${CMAKE_CURRENT_LIST_DIR}/console_codec.cpp ${CMAKE_CURRENT_LIST_DIR}/console_warmup_codec.cpp)
