target_sources(tabletd_node PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/be_role_metrics.cpp
  ${CMAKE_CURRENT_LIST_DIR}/coalescing_stream.cpp
  ${CMAKE_CURRENT_LIST_DIR}/config.cpp
  ${CMAKE_CURRENT_LIST_DIR}/fe_role_metrics.cpp
  ${CMAKE_CURRENT_LIST_DIR}/http_host.cpp
  ${CMAKE_CURRENT_LIST_DIR}/kj_loop.cpp
  ${CMAKE_CURRENT_LIST_DIR}/log.cpp
  ${CMAKE_CURRENT_LIST_DIR}/metric_registry.cpp
  ${CMAKE_CURRENT_LIST_DIR}/network_name.cpp
  ${CMAKE_CURRENT_LIST_DIR}/node_frame.cpp
  ${CMAKE_CURRENT_LIST_DIR}/process_metrics.cpp
  ${CMAKE_CURRENT_LIST_DIR}/rpc_port.cpp)
