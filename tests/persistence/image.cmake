tabletd_test(image_store_test
  SOURCES image_file_test.cpp image_store_test.cpp
  LIBS tabletd_persistence
  LABELS persistence)
