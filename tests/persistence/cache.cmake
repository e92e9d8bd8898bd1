tabletd_test(cache_policy_test
  SOURCES cache_policy_test.cpp token_bucket_test.cpp
  LIBS tabletd_cache
  LABELS persistence)
tabletd_test(file_cache_test
  SOURCES file_cache_test.cpp file_cache_fill_test.cpp file_cache_crash_test.cpp cached_segment_test.cpp
  LIBS tabletd_cache
  LABELS persistence)
tabletd_test(meta_cache_test
  SOURCES meta_cache_test.cpp
  LIBS tabletd_cache
  LABELS persistence)
