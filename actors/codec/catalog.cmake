# Edits and what backends report.
target_sources(tabletd_codec PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/backend_codec.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec_plan.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec_table.cpp
  ${CMAKE_CURRENT_LIST_DIR}/peer_codec.cpp)
