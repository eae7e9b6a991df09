"""Reward components and their composition."""
