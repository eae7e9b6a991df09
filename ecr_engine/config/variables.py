"""Environment variables that begin like settings and are none."""

from __future__ import annotations

MODEL_STORE = "ECR_MODEL_STORE"
"""Names the folder of the models that were pulled. It says where this machine keeps things, so it is no setting of a
run and never written into one."""

NO_SETTINGS = frozenset({MODEL_STORE})
