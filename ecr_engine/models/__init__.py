"""Backbone, critic, tokenizers and generation."""
