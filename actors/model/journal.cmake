target_sources(tabletd_model PRIVATE ${CMAKE_CURRENT_LIST_DIR}/journal_pacing.cpp
                                     ${CMAKE_CURRENT_LIST_DIR}/peer_greeting.cpp)
