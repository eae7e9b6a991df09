"""The whole main job, stage by stage."""
