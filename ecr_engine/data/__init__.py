"""Dialogues: readers of raw sources, processing into examples, prompts, and the built-in sample corpus."""
