"""Talking to a trained recommender, one turn at a time."""
