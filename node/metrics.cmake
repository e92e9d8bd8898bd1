# What the exporter sees of both roles; tables and pages are in tabletd_node.
target_sources(tabletd PRIVATE be_metrics.cpp fe_metrics.cpp node_metrics.cpp)
