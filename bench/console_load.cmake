add_executable(console_load ${CMAKE_CURRENT_LIST_DIR}/console_load.cpp)
target_link_libraries(console_load PRIVATE tabletd_flags tabletd_node fmt::fmt)
# Only for comparisons with etcd (scripts/setup bench).
pkg_check_modules(NGHTTP2 IMPORTED_TARGET libnghttp2)
if(NGHTTP2_FOUND)
  add_executable(etcd_load ${CMAKE_CURRENT_LIST_DIR}/etcd_load.cpp)
  target_link_libraries(etcd_load PRIVATE tabletd_flags PkgConfig::NGHTTP2 fmt::fmt)
endif()
