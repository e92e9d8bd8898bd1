tabletd_test(cache_policy_test
  SOURCES cache_policy_test.cpp token_bucket_test.cpp
  LIBS tabletd_cache
  LABELS persistence)
