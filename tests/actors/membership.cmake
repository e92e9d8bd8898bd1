# The fold's actor and the membership room in a frozen world.
foreach(test catalog_actor backend_agent membership)
  tabletd_test(${test}_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/${test}_test.cpp
    LIBS tabletd_catalog tabletd_membership tabletd_supervision LABELS actors)
endforeach()
