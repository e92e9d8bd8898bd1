# The fold, and what the membership room decides.
foreach(test catalog catalog_replica catalog_partition catalog_random cow_map packed_map short_list report_diff liveness backend_link load_txn membership_rules saved_plan)
  tabletd_test(${test}_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/${test}_test.cpp LIBS tabletd_model LABELS model)
endforeach()
tabletd_test(edit_codec_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/edit_codec_test.cpp LIBS tabletd_codec LABELS model)
target_compile_definitions(edit_codec_test PRIVATE TABLETD_GOLDEN_EDITS="${PROJECT_SOURCE_DIR}/tests/golden/edits")
tabletd_test(peer_codec_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/peer_codec_test.cpp LIBS tabletd_codec LABELS journal)
tabletd_test(image_codec_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/image_codec_test.cpp LIBS tabletd_codec LABELS model)
target_compile_definitions(image_codec_test PRIVATE TABLETD_GOLDEN_IMAGES="${PROJECT_SOURCE_DIR}/tests/golden/images")
