"""Running out of memory halves micro-batches and changes no result."""

import pytest
import torch
from rl_toys import toy

from ecr_engine.errors import ExitCode, UnavailableError
from ecr_engine.rl.micro_batches import halving, is_out_of_memory, memory_warning

ON_CPU = (
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate"
)


def limited(most, error):
    """A pass that has memory for `most` rows, and the widths that it was called with."""
    widths = []

    def run(width):
        widths.append(width)
        if width > most:
            raise error
        return f"done with {width}"

    return run, widths


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError(ON_CPU), MemoryError()])
def test_the_width_is_halved_until_it_fits(error):
    run, widths = limited(3, error)
    assert halving(13, run) == ("done with 2", 2)
    assert widths == [13, 7, 4, 2]


def test_where_memory_suffices_nothing_changes():
    run, widths = limited(8, MemoryError())
    assert halving(8, run) == ("done with 8", 8)
    assert widths == [8]


def test_any_other_error_is_raised():
    run, widths = limited(0, RuntimeError("size mismatch"))
    with pytest.raises(RuntimeError, match="size mismatch"):
        halving(4, run)
    assert widths == [4]
    assert not is_out_of_memory(RuntimeError("size mismatch"))
    assert not is_out_of_memory(ValueError(ON_CPU))


def problem(**arguments):
    run, widths = limited(0, MemoryError())
    with pytest.raises(UnavailableError) as caught:
        halving(4, run, **arguments)
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    (found,) = caught.value.problems
    return found, widths


def test_not_even_one_row_fits():
    found, widths = problem()
    assert widths == [4, 2, 1]
    assert found.what == "memory ran out with one rollout at a time"
    assert found.at == "ppo.micro_batch_size"
    assert found.fix == (
        "shorten prompts and responses: --set prompt.context_max_length=75 --set prompt.resp_max_length=30"
    )


def test_among_several_processes_nothing_is_repeated():
    found, widths = problem(alone=False)
    assert widths == [4]
    assert found.what == "memory ran out with micro-batches of 4 rollouts in each of several processes"
    assert found.fix == "--set ppo.micro_batch_size=2"


def test_the_warning_says_what_goes_on():
    assert memory_warning(8, 2, "rollout") == {
        "what": "memory ran out in the rollout: micro-batches of 2 rollouts instead of 8 from here on; "
        "results stay the same",
        "fix": "--set ppo.micro_batch_size=2",
    }


def starved(made, most):
    """The update's passes have memory for `most` rows; where it runs out, half of a gradient is left behind."""
    rows = []
    update, policy = made.trainer.updater.update, made.trainer.updater.policy

    def refuse(_module, inputs):
        rows.append(len(inputs[0].ids))
        if rows[-1] > most:
            made.policy.model.lm_head.weight.grad = torch.full_like(made.policy.model.lm_head.weight, 1e9)
            raise torch.OutOfMemoryError("CUDA out of memory")

    def watched(*args, **named):
        # Rollouts go through the same module, and have all the memory they need.
        with policy.register_forward_pre_hook(refuse):
            return update(*args, **named)

    made.trainer.updater.update = watched
    return rows


def test_an_update_goes_on_with_the_same_result():
    sizes = {"batch_size": 6, "minibatch_size": 6}
    wanted = toy(micro_batch_size=2, **sizes).steps(2)
    made = toy(micro_batch_size=6, **sizes)
    rows = starved(made, 2)
    made.steps(2)
    # 6 and 3 are too many; from then on no pass has more than 2, in the next update either.
    assert rows[:5] == [6, 3, 2, 2, 2]
    assert max(rows[2:]) == 2
    assert made.recorder.of("warning") == [(0, memory_warning(6, 2, "update"))]
    for one, other in zip(made.policy.model.parameters(), wanted.policy.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert made.series("policy/loss") == pytest.approx(wanted.series("policy/loss"), abs=1e-4)


def test_a_rollout_says_that_it_goes_on_with_less():
    made = toy(micro_batch_size=6)
    made.trainer.roller.warn(memory_warning(6, 3, "rollout"))
    assert made.recorder.of("warning") == [(0, memory_warning(6, 3, "rollout"))]


def test_a_training_that_is_taken_up_does_not_run_out_of_memory_again(tmp_path):
    sizes = {"batch_size": 6, "minibatch_size": 6, "micro_batch_size": 6}
    made = toy(**sizes)
    starved(made, 2)
    made.steps(1)
    made.trainer.roller.micro_batch_size = 3
    made.trainer.write_state(tmp_path)
    resumed = toy(**sizes)
    resumed.trainer.restore(tmp_path)
    assert (resumed.trainer.updater.width, resumed.trainer.roller.micro_batch_size) == (2, 3)
