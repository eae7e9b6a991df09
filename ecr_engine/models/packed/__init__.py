"""Sequences of uneven length through a Llama without padding: a trunk for training, a decoder for sampling."""
