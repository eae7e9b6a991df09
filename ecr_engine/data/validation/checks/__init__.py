"""Checks of data, one a file (`ecr_engine.data.validation.check.CHECKS`)."""
