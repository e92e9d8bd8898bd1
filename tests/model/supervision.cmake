tabletd_test(supervision_test SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/supervision_test.cpp LIBS tabletd_model fmt::fmt LABELS model)
