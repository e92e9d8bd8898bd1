tabletd_test(remote_pure_test
  SOURCES remote_pure_test.cpp
  LIBS tabletd_remote
  LABELS persistence)
tabletd_test(remote_contract_test
  SOURCES remote_contract_test.cpp s3_server.cpp
  LIBS tabletd_remote
  LABELS persistence)
