# The statement language, what it answers, and the lives that statements begin.
target_sources(tabletd_model PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/completion.cpp
  ${CMAKE_CURRENT_LIST_DIR}/edit_answer.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_life.cpp
  ${CMAKE_CURRENT_LIST_DIR}/load_watch.cpp
  ${CMAKE_CURRENT_LIST_DIR}/name_lookup.cpp
  ${CMAKE_CURRENT_LIST_DIR}/nearest.cpp
  ${CMAKE_CURRENT_LIST_DIR}/proc_path.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_grammar.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_lexer.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statement_table.cpp
  ${CMAKE_CURRENT_LIST_DIR}/statistics.cpp
  ${CMAKE_CURRENT_LIST_DIR}/table_birth.cpp
  ${CMAKE_CURRENT_LIST_DIR}/transfer_plan.cpp)
