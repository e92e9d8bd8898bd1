target_sources(tabletd_model PRIVATE attach_fence.cpp clone_life.cpp move_life.cpp report_book.cpp snapshot_plan.cpp task_book.cpp)
