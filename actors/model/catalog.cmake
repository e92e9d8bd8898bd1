# The fold of the log, and what the leader's membership room decides.
target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/backend_link.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_cluster.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_cooldown.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_load.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_plan.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_policy.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_replica.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_table.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_apply_warmup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/catalog_invariants.cpp
  ${CMAKE_CURRENT_LIST_DIR}/liveness.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_txn.cpp
  ${CMAKE_CURRENT_LIST_DIR}/membership_rules.cpp
  ${CMAKE_CURRENT_LIST_DIR}/plan_rules.cpp
  ${CMAKE_CURRENT_LIST_DIR}/report_diff.cpp
  ${CMAKE_CURRENT_LIST_DIR}/resource_rules.cpp)
