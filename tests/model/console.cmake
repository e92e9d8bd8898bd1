tabletd_test(statement_test SOURCES statement_policy_test.cpp statement_random_test.cpp statement_test.cpp statement_warmup_test.cpp LIBS tabletd_model LABELS model)
tabletd_test(console_model_test
  SOURCES cluster_config_test.cpp completion_test.cpp cow_map_difference_test.cpp explain_test.cpp load_life_test.cpp load_watch_test.cpp statistics_test.cpp transfer_plan_test.cpp
  LIBS tabletd_model LABELS model)
