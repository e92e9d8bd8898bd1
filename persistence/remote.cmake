# The remote store: a library of its own, so that only who talks to one links curl.
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
add_library(tabletd_remote STATIC
  ${CMAKE_CURRENT_LIST_DIR}/remote/file_remote_store.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/remote_key.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/remote_probe.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/remote_segment.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/remote_resource.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/remote_store.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/remote_sweep.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/retry_pacing.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/s3_answer.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/s3_credentials.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/s3_remote_store.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/s3_transport.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/s3_upload.cpp
  ${CMAKE_CURRENT_LIST_DIR}/remote/sigv4.cpp)
target_link_libraries(tabletd_remote PUBLIC tabletd_persistence PRIVATE CURL::libcurl OpenSSL::Crypto)
