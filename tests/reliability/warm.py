"""Imported once by the fork server: trains and saves a toy, so that no job has to find out again how that is done."""

import tempfile
from pathlib import Path

import torch
from courses import Baseline, Critic

torch.set_num_threads(1)
for kind in (Baseline, Critic):
    with tempfile.TemporaryDirectory() as place:
        kind(Path(place), until=1).run()
