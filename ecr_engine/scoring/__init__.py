"""Judges and their judgements."""
