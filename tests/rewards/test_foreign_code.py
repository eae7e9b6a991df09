"""Components from outside that print, leave the process, or are strange in ways that could hide what went wrong."""

import sys
from importlib.metadata import EntryPoint
from textwrap import dedent

import pytest
from reward_dialogues import sample

from ecr_engine.errors import EcrError, UsageError
from ecr_engine.rewards import custom
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.custom import build_component
from ecr_engine.rewards.foreign import Raised, Returned, attempt
from ecr_engine.rewards.reasons import at_hand, explained
from ecr_engine.rewards.resources import Resources

MAKER = "habits.rewards:Odd"
SHAPE = "give it name, low, high, explanation and score(batch): see docs/rewards.md"


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Writes the module `habits.rewards`, with a component `Odd` that the given lines make odd, or a whole module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    (tmp_path / "habits").mkdir()
    (tmp_path / "habits" / "__init__.py").touch()

    def write(body="", module=""):
        usual = """
            class Odd:
                name, low, high, explanation = "odd", 0.0, 1.0, "is odd"

                def score(self, batch):
                    return [0.5 for _ in batch]
        """
        code = dedent(module or usual) + "".join(f"    {line}\n" for line in dedent(body).strip().splitlines())
        (tmp_path / "habits" / "rewards.py").write_text(code)

    yield write
    for name in ("habits", "habits.rewards"):
        sys.modules.pop(name, None)


def refused(name=MAKER):
    with pytest.raises(EcrError) as caught:
        build_component(name, Resources())
    problem = caught.value.problems[0]
    return problem.what, problem.at, problem.fix


def failed():
    with pytest.raises(EcrError) as caught:
        Composer({MAKER: 1.0}).score([sample("hello")])
    problem = caught.value.problems[0]
    return problem.what, problem.at


def test_what_foreign_code_prints_is_kept_off_stdout(odd, capsys):
    odd(
        """
        def __init__(self):
            print("made")
        def explain(self, sample):
            print("asked")
            return "so"
        """
    )
    built, _ = at_hand([MAKER], Resources(), sample("hello"))
    [row] = explained(built, {MAKER: 1.0}, sample("hello"))
    assert (row.score, row.reason) == (0.5, "so")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "made\nasked\n")


def test_a_module_that_leaves_while_it_is_imported(odd):
    odd(module="import sys\nsys.exit(4)\n")
    assert refused() == (
        "module 'habits.rewards' can't be imported: SystemExit: 4 (rewards.py:2)",
        f"rewards.{MAKER}",
        "mend it: python -c 'import habits.rewards'",
    )


def test_a_component_that_leaves_while_it_scores(odd):
    odd("def score(self, batch):\n    raise SystemExit")
    what, at = failed()
    assert what == f"reward component '{MAKER}' raised SystemExit (rewards.py:8)"
    assert at.startswith("example ")


def test_the_signal_that_ends_the_process_still_ends_it():
    def told():
        raise SystemExit(143)

    with pytest.raises(SystemExit):
        attempt(told)
    assert isinstance(attempt(lambda: sys.exit(1)), Raised)
    assert attempt(lambda: 3) == Returned(3)


def test_a_message_that_can_not_be_made(odd):
    odd(
        """
        def score(self, batch):
            class Mute(Exception):
                def __str__(self): raise ValueError
            raise Mute
        """
    )
    assert failed()[0] == f"reward component '{MAKER}' raised Mute (rewards.py:10)"


def test_a_long_message_is_cut(odd):
    odd("def score(self, batch):\n    raise ValueError('x' * 5000)")
    assert failed()[0] == f"reward component '{MAKER}' raised ValueError: {'x' * 159}… (rewards.py:8)"


def test_a_syntax_error_has_its_own_line_only(odd):
    odd(module="def (\n")
    assert refused()[0] == "module 'habits.rewards' can't be imported: SyntaxError: invalid syntax (rewards.py, line 1)"


def test_a_number_that_no_float_can_hold(odd):
    odd("def score(self, batch):\n    return [10**400]")
    what, at = failed()
    assert (
        what.startswith(f"reward component '{MAKER}' gave 10000") and what.endswith(", of type int") and len(what) < 120
    )
    assert at.startswith("example ")


def test_a_bound_that_no_float_can_hold(odd):
    odd("high = 10**5000")
    what, at, fix = refused()
    assert what.startswith(f"high of reward component '{MAKER}' is ") and what.endswith(", not a number")
    assert len(what) < 120
    assert (at, fix) == (f"rewards.{MAKER}", SHAPE)


def test_a_bound_that_can_not_be_read(odd):
    odd("@property\ndef low(self): raise KeyError('scale')")
    assert refused() == (
        f"low of reward component '{MAKER}' can't be read: KeyError: 'scale' (rewards.py:8)",
        f"rewards.{MAKER}",
        SHAPE,
    )


def test_a_module_without_a_file():
    assert refused("sys:Politeness") == (
        "module 'sys' has no 'Politeness'",
        "rewards.sys:Politeness",
        "define the class in a module of your own",
    )


def test_only_classes_that_can_score_are_proposed(odd):
    odd(
        module="""
            class Helper: ...
            class Kind:
                def score(self, batch): ...
            class Fair(Kind): ...
        """
    )
    assert refused("habits.rewards:Zzz")[2] == "choose from: Kind, Fair"
    assert refused("habits.rewards:Fairr")[2] == "did you mean 'Fair'?"


def test_a_crowd_of_classes_is_not_listed(odd, tmp_path):
    odd(module="class C0:\n    def score(self, batch): ...\n" + "".join(f"class C{n}(C0): ...\n" for n in range(1, 9)))
    assert refused("habits.rewards:Politeness")[2] == f"define the class in {tmp_path / 'habits' / 'rewards.py'}"


def test_a_reason_that_is_none_is_left_empty(odd):
    odd("def explain(self, sample): return None")
    component = build_component(MAKER, Resources())
    [row] = explained({MAKER: component}, {MAKER: 1.0}, sample("hello"))
    assert row.reason == ""


def test_a_reason_that_can_not_be_made_a_text(odd):
    odd(
        """
        def explain(self, sample):
            class Mute:
                def __str__(self): raise ValueError('no words')
            return Mute()
        """
    )
    component = build_component(MAKER, Resources())
    with pytest.raises(EcrError, match=r"raised ValueError: no words \(rewards.py:9\) when asked for its reason"):
        explained({MAKER: component}, {MAKER: 1.0}, sample("hello"))


def test_an_entry_point_with_extras(odd, monkeypatch):
    odd()
    entry = EntryPoint("odd", f"{MAKER} [more]", custom.GROUP)
    monkeypatch.setattr(custom, "entry_points", lambda group: [entry])
    custom.plugins.cache_clear()
    try:
        assert build_component("odd", Resources()).explanation == "is odd"
    finally:
        custom.plugins.cache_clear()


def test_an_unknown_class_is_a_usage_error(odd):
    odd()
    with pytest.raises(UsageError):
        build_component("habits.rewards:Even", Resources())
