"""Causal language models that run here, as judges."""
