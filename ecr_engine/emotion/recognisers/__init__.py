"""Emotion recognisers, one a file (`ecr_engine.emotion.annotation.RECOGNISERS`)."""
