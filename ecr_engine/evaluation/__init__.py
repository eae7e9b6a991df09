"""Measuring responses, comparing evaluations, and reporting on a run."""
