# tabletctl offline, as people run it.
add_test(NAME offline_vectors COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/vectors_test.py
                                      $<TARGET_FILE:tabletctl_main> ${CMAKE_CURRENT_LIST_DIR}/vectors)
set_tests_properties(offline_vectors PROPERTIES LABELS offline TIMEOUT 120)
