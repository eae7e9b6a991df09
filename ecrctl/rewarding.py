"""`rl rewards`, once its command line is read: with which components, on which response."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecrctl.options import Layers
from ecrctl.turns import TurnOptions, wanted_sample

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.data.schema import Sample
    from ecr_engine.rewards.resources import Resources
    from ecrctl.ui.rewards_view import Breakdown


def look_at(given: TurnOptions, layers: Layers, run: Path | None, *, as_json: bool) -> None:
    """Prints the breakdown of the response that the options lead to, or the list of components if they name none.

    Args:
        given: the options that say what to score.
        layers: profiles, file and single settings.
        run: the run whose settings and resources to take; None: the defaults.
        as_json: print one JSON document.

    Raises:
        UsageError: an option is wrong.
        DataError: the run or the file of samples is not there.
    """
    from ecr_engine.pipeline.rewarding import resources_for
    from ecr_engine.rewards.custom import component_names
    from ecr_engine.rewards.reasons import at_hand
    from ecrctl.jobs import settings_from
    from ecrctl.run_folders import existing_run
    from ecrctl.ui import rewards_view

    sample = wanted_sample(given)
    folder = existing_run(run) if run is not None else None
    settings = settings_from(layers, {}, base=folder.resolved_config if folder else None).settings
    resources = resources_for(folder, settings)
    if sample is None:
        names = sorted({*component_names(), *settings.rewards})
        rewards_view.show_components(*at_hand(names, resources), settings.rewards, as_json=as_json)
    else:
        rewards_view.show_breakdown(_breakdown(sample, settings, resources), as_json=as_json)


def _breakdown(sample: Sample, settings: Settings, resources: Resources) -> Breakdown:
    from ecr_engine.rewards.reasons import at_hand, explained, shown_by
    from ecrctl.ui.rewards_view import Breakdown

    built, missing = at_hand([name for name, weight in settings.rewards.items() if weight > 0], resources, sample)
    return Breakdown(
        sample=sample,
        emotions=shown_by(sample.example, resources.emotion),
        given=bool(sample.example.emotions),
        rows=explained(built, settings.rewards, sample),
        missing=missing,
    )
