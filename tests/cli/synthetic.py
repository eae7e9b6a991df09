"""Synthetic events of a run, with the odd things that real ones hold: NaN, infinity, CJK, emoji."""

from __future__ import annotations

import math

from ecr_engine.evaluation.comparison import Comparison, MetricComparison, Side
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.runs.events import Event

STAGES = ("data", "baseline", "judge", "critic", "rl", "evaluate", "compare", "report")
WEIGHTS = {"bleu": 1.0, "empathy": 2.0, "format": 1.0, "recommendation": 1.5}
START = 1_000_000.0
RL_START = START + 100.0


def rl_step(step: int) -> dict[str, float]:
    """Metrics of one PPO update; each is a simple function of the step, so that a test can work it out."""
    return {
        "objective/reward": 0.40 + 0.01 * step,
        "objective/kl": 0.5,
        "policy/loss": -0.0125,
        "policy/approx_kl": 0.002,
        "policy/clip_fraction": math.nan if step == 10 else 0.08,
        "value/loss": math.inf if step == 10 else 0.25,
        "value/explained_variance": 0.5,
        "rewards/empathy/mean": 0.20 + 0.02 * step,
        "rewards/format/mean": -0.1 * step / 10,
        "perf/samples_per_s": 18.25,
        "perf/tokens_per_s": 912.0,
        "perf/peak_memory_mib": 1480.0,
        "time/rollout_s": 1.0,
    }


def events_before_rl() -> list[Event]:
    return [
        Event(START, "data", 0, "stage_skipped", {}),
        Event(START, "baseline", 0, "stage_started", {}),
        Event(START + 5, "baseline", 1, "step", {"train/loss": 5.5, "train/lr": 1e-4}),
        Event(START + 6, "baseline", 1, "progress", {"done": 1, "total": 40, "what": "steps"}),
        Event(START + 62, "baseline", 40, "validation", {"eval/loss": 3.25}),
        Event(START + 70, "baseline", 0, "stage_finished", {"seconds": 70.0}),
        Event(START + 70, "judge", 0, "stage_started", {}),
        Event(START + 80, "judge", 0, "stage_finished", {"seconds": 10.0}),
        Event(START + 80, "critic", 0, "stage_started", {}),
        Event(RL_START, "critic", 0, "stage_finished", {"seconds": 20.0}),
    ]


def rl_events(steps: int = 10) -> list[Event]:
    """PPO up to `steps` of 40 updates, 3 seconds each, with a sample and a warning."""
    events = [Event(RL_START, "rl", 0, "stage_started", {})]
    for step in range(1, steps + 1):
        now = RL_START + 3.0 * step
        events.append(Event(now, "rl", step, "step", rl_step(step)))
        events.append(Event(now, "rl", step, "progress", {"done": step, "total": 40, "what": "updates"}))
    sample = {
        "context": "I loved 千と千尋の神隠し 🎬\nseeker: something like 天空の城ラピュタ, but sadder 😢",
        "response": "I am sorry you feel low 💛 you could try <movie>, it is quiet and kind and it may help \x1b[31mme",
        "reference": "Have you seen <movie>?",
        "reward": 0.731,
    }
    now = RL_START + 3.0 * steps
    events.append(Event(now, "rl", steps, "sample", sample))
    events.append(Event(now, "rl", steps, "warning", {"what": "KL is high", "fix": "lower ppo.learning_rate"}))
    return events


def whole_run() -> list[Event]:
    return events_before_rl() + rl_events()


def evaluation_events() -> list[Event]:
    """Two evaluations, the second of which is 8 of 16 turns further: 4 turns a second."""
    values = {"eval/reward": 0.25, "eval/bleu@1": 0.125, "eval/length": 12.0}
    return [
        Event(START, "evaluate", 0, "stage_started", {}),
        Event(START + 2, "evaluate", 0, "validation", {"what": "baseline", **values}),
        Event(START + 8, "evaluate", 0, "validation", {"what": "policy", **values, "eval/reward": 0.375}),
        Event(START + 10, "evaluate", 0, "progress", {"done": 4, "total": 16, "what": "turns (policy)"}),
        Event(START + 12, "evaluate", 0, "progress", {"done": 12, "total": 16, "what": "turns (policy)"}),
    ]


def metric(
    name: str, a: float, b: float, *, interval: Interval | None, p: float | None, in_reward: bool
) -> MetricComparison:
    """One metric of a comparison."""
    return MetricComparison(
        metric=name,
        a=a,
        b=b,
        difference=b - a,
        relative=(b - a) / a if a else None,
        interval=interval,
        p=p,
        p_holm=p,
        n=None if interval is None else 40,
        effect=None,
        interval_a=None,
        interval_b=None,
        higher_is_better=True,
        in_reward=in_reward,
        wins=0,
        ties=0,
        losses=0,
        explanation="",
    )


def comparison(a: str = "baseline", b: str = "policy") -> Comparison:
    """A comparison of three metrics, one of them over the corpus."""
    metrics = (
        metric("reward", 0.5, 0.75, interval=Interval(0.125, 0.375), p=0.0001, in_reward=True),
        metric("slot_f1", 0.25, 0.25, interval=Interval(-0.0625, 0.0625), p=1.0, in_reward=False),
        metric("dist@2", 0.0, 1.5, interval=None, p=None, in_reward=False),
    )
    return Comparison(
        a=Side(a, "runs/x:baseline", 0),
        b=Side(b, "runs/x:policy", 0),
        split="test",
        turns=40,
        dialogues=10,
        decoding={},
        confidence=0.95,
        resamples=1000,
        seed=0,
        forced=(),
        skipped={"length": "only one side has it"},
        metrics={entry.metric: entry for entry in metrics},
        improved=(),
        harmed=(),
        random=(),
    )
