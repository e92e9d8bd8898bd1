tabletd_test(catalog_image_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/catalog_image_test.cpp LIBS tabletd_checkpoint LABELS actors)
tabletd_test(checkpoint_actors_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/checkpoint_actors_test.cpp
  LIBS tabletd_checkpoint tabletd_catalog LABELS actors)
