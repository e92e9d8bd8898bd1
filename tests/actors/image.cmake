tabletd_test(catalog_image_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/catalog_image_test.cpp LIBS tabletd_catalog LABELS actors)
