"""Settings in layers, profiles, and the provenance of a run."""
