"""Plots of a run: PNG files, each beside a CSV of the same data."""

from __future__ import annotations

from ecr_engine.evaluation.plots.draw import OUTCOME, TRAINING, Plot, draw_plots

__all__ = ["OUTCOME", "TRAINING", "Plot", "draw_plots"]
