tabletd_test(supervisor_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/supervisor_test.cpp
  LIBS tabletd_supervision LABELS actors)
tabletd_test(metered_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/metered_test.cpp
  LIBS tabletd_flags ${CAF_CORE} Threads::Threads LABELS actors)
tabletd_test(term_scope_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/term_scope_test.cpp
  LIBS tabletd_supervision LABELS actors)
