# The statement language, what it answers, and the lives that statements begin.
target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/cluster_config.cpp
  ${CMAKE_CURRENT_LIST_DIR}/completion.cpp
  ${CMAKE_CURRENT_LIST_DIR}/decommission.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_answer.cpp
  ${CMAKE_CURRENT_LIST_DIR}/explain.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_life.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_watch.cpp
  ${CMAKE_CURRENT_LIST_DIR}/name_lookup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/nearest.cpp
  ${CMAKE_CURRENT_LIST_DIR}/proc_path.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement.cpp
  ${CMAKE_CURRENT_LIST_DIR}/cooldown_due_text.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_build.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_grammar.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_lexer.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_print.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_slots.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_table.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_warmup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statistics.cpp
  ${CMAKE_CURRENT_LIST_DIR}/table_birth.cpp
  ${CMAKE_CURRENT_LIST_DIR}/tablet_checkup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/transfer_plan.cpp)
