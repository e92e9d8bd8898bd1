tabletd_test(remote_pure_test
  SOURCES remote_pure_test.cpp s3_answer_test.cpp
  LIBS tabletd_remote
  LABELS persistence)
tabletd_test(remote_store_test
  SOURCES remote_contract_test.cpp file_remote_store_test.cpp remote_resource_test.cpp remote_segment_test.cpp remote_sweep_test.cpp s3_remote_store_test.cpp s3_server.cpp
  LIBS tabletd_remote
  LABELS persistence)
# The other side of the same tests as a process, for scripts/smoke.
add_executable(s3_server s3_server_main.cpp s3_server.cpp)
target_link_libraries(s3_server PRIVATE tabletd_flags tabletd_remote)
