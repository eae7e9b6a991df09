"""Supervised training of the baseline and of the critic."""
