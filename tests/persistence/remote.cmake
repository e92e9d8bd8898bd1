tabletd_test(remote_pure_test
  SOURCES remote_pure_test.cpp s3_answer_test.cpp
  LIBS tabletd_remote
  LABELS persistence)
tabletd_test(remote_store_test
  SOURCES remote_contract_test.cpp file_remote_store_test.cpp remote_resource_test.cpp remote_segment_test.cpp remote_sweep_test.cpp s3_remote_store_test.cpp s3_server.cpp
  LIBS tabletd_remote
  LABELS persistence)
