target_sources(tabletd_codec PRIVATE agent_codec.cpp agent_cooldown_codec.cpp move_codec.cpp remote_meta_codec.cpp)
