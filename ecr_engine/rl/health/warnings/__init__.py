"""The warnings: each module has `build(settings, remedies)`, and its name is the warning's."""
