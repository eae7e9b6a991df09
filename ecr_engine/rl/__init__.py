"""Rollouts and proximal policy optimisation."""
