"""The engine: trains, scores and compares empathetic conversational recommenders. It never prints."""

__version__ = "0.1.0"
