"""The tables of the settings, one module for each part of the work."""
