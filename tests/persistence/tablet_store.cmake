tabletd_test(rowset_file_test
  SOURCES rowset_file_test.cpp rowset_merge_test.cpp node_dir_test.cpp
  LIBS tabletd_persistence
  LABELS persistence)
tabletd_test(tablet_store_test
  SOURCES tablet_store_test.cpp tablet_store_clone_test.cpp tablet_store_move_test.cpp tablet_store_power_test.cpp
          tablet_store_fault_test.cpp tablet_store_remote_test.cpp
  LIBS tabletd_persistence
  LABELS persistence)
