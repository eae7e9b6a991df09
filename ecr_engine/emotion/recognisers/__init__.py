"""Emotion recognisers, one a file (`ecr_engine.emotion.recognition.RECOGNISERS`)."""
