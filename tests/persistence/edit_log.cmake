tabletd_test(edit_log_test
  SOURCES sqlite_test.cpp edit_log_test.cpp edit_log_crash_test.cpp edit_log_look_test.cpp
  LIBS tabletd_persistence
  LABELS persistence)
