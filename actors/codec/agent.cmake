target_sources(tabletd_codec PRIVATE agent_codec.cpp move_codec.cpp)
