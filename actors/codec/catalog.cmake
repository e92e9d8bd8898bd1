# Edits, what backends report, and the catalog as an image.
target_sources(tabletd_codec PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/backend_codec.cpp
  ${CMAKE_CURRENT_LIST_DIR}/backend_cooldown_codec.cpp
  ${CMAKE_CURRENT_LIST_DIR}/backend_warmup_codec.cpp
  ${CMAKE_CURRENT_LIST_DIR}/checkpoint_codec.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec_cooldown.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec_parts.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec_plan.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec_table.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_codec_warmup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/image_cooldown.cpp
  ${CMAKE_CURRENT_LIST_DIR}/image_load.cpp
  ${CMAKE_CURRENT_LIST_DIR}/image_parts.cpp
  ${CMAKE_CURRENT_LIST_DIR}/image_tablets.cpp
  ${CMAKE_CURRENT_LIST_DIR}/image_warmup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/image_write.cpp
  ${CMAKE_CURRENT_LIST_DIR}/peer_codec.cpp)
