"""Reward components from outside of the project: what works, and every way to get it wrong."""

import sys
from importlib.metadata import EntryPoint
from textwrap import dedent

import pytest
from reward_dialogues import sample

from ecr_engine.errors import EcrError, UsageError
from ecr_engine.rewards import custom
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.custom import build_component, check_component, component_names
from ecr_engine.rewards.resources import Resources

POLITE = """
    class Politeness:
        name, low, high, explanation = "politeness", 0.0, 1.0, "says please"

        def score(self, batch):
            return [float("please" in one.response) for one in batch]
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes the module `manners.rewards` into the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])

    def write(code):
        (tmp_path / "manners").mkdir(exist_ok=True)
        (tmp_path / "manners" / "__init__.py").touch()
        (tmp_path / "manners" / "rewards.py").write_text(dedent(code))
        for name in ("manners", "manners.rewards"):
            sys.modules.pop(name, None)

    yield write
    for name in ("manners", "manners.rewards"):
        sys.modules.pop(name, None)


def refusal(name="manners.rewards:Politeness"):
    with pytest.raises(EcrError) as caught:
        build_component(name, Resources())
    return caught.value, caught.value.problems[0]


def test_an_import_path_is_a_component_with_a_weight(package):
    package(POLITE)
    composed = Composer({"manners.rewards:Politeness": 3.0, "distinct": 1.0})
    reward = composed.score([sample("Try the funny movie we saw, please.")])
    assert reward.components == {"manners.rewards:Politeness": (1.0,), "distinct": (1.0,)}
    assert composed.score([sample("no")]).total == (pytest.approx((3 * 0 + 1 / 12) / 4),)


def test_a_class_may_take_the_resources(package):
    package("""
        class Asks:
            name, low, high, explanation = "asks", 0.0, 1.0, "the judge's name has six letters"

            def __init__(self, resources):
                self.judge = resources.judge

            def score(self, batch):
                return [float(len(self.judge) == 6)] * len(batch)
    """)
    assert build_component("manners.rewards:Asks", Resources(judge="rubric")).score([sample("a")]) == [1.0]
    assert build_component("manners.rewards:Asks", Resources(judge="other")).score([sample("a")]) == [0.0]


def test_a_function_may_make_the_component(package):
    package(POLITE + "\n    def polite():\n        return Politeness()\n")
    assert build_component("manners.rewards:polite", Resources()).name == "politeness"


@pytest.fixture
def plugins(monkeypatch):
    """Says which entry points are installed."""

    def offer(*entries):
        points = [EntryPoint(name, value, custom.GROUP) for name, value in entries]
        monkeypatch.setattr(custom, "entry_points", lambda group: points if group == "ecrctl.rewards" else [])
        custom.plugins.cache_clear()

    yield offer
    monkeypatch.undo()
    custom.plugins.cache_clear()


def test_a_plugin_is_named_like_a_registered_component(package, plugins):
    package(POLITE)
    plugins(("politeness", "manners.rewards:Politeness"), ("bleu", "manners.rewards:Politeness"))
    assert "politeness" in component_names()
    composed = Composer({"politeness": 1.0})
    assert composed.score([sample("yes please")]).components == {"politeness": (1.0,)}
    assert build_component("bleu", Resources()).name == "bleu"  # the project's own goes first


def test_two_packages_that_offer_one_name(plugins):
    plugins(("politeness", "a.b:C"), ("politeness", "d.e:F"), ("politeness", "a.b:C"))
    error, problem = refusal("politeness")
    assert str(error) == "reward component 'politeness' is offered by more than one installed package: a.b:C, d.e:F"
    assert problem.fix == "name the one that is meant: --reward a.b:C=WEIGHT"


def test_an_unknown_name_is_answered_with_the_nearest_plugin_too(plugins):
    plugins(("politeness", "a.b:C"))
    error, problem = refusal("politness")
    assert str(error) == "unknown reward component 'politness'"
    assert problem.fix == "did you mean 'politeness'?"


def test_there_is_no_such_module(package):
    package(POLITE)
    error, problem = refusal("manners.prizes:Politeness")
    assert isinstance(error, UsageError)
    assert str(error) == "there is no module 'manners.prizes'"
    assert problem.at == "rewards.manners.prizes:Politeness"
    assert problem.fix == "check the name; install its package, or type the command in the folder that holds it"


def test_a_module_that_lacks_a_dependency_is_not_called_missing(package):
    package("import a_package_that_nobody_has\n")
    error, _ = refusal()
    assert str(error) == (
        "module 'manners.rewards' can't be imported: ModuleNotFoundError: No module named 'a_package_that_nobody_has' "
        "(rewards.py:1)"
    )


def test_a_module_that_raises(package):
    package("\nraise RuntimeError('not today\\nnor tomorrow')\n")
    error, problem = refusal()
    assert str(error) == "module 'manners.rewards' can't be imported: RuntimeError: not today (rewards.py:2)"
    assert problem.fix == "mend it: python -c 'import manners.rewards'"
    assert isinstance(error.__cause__, RuntimeError)


def test_there_is_no_such_class(package):
    package(POLITE)
    error, problem = refusal("manners.rewards:Politness")
    assert str(error) == "module 'manners.rewards' has no 'Politness'"
    assert problem.fix == "did you mean 'Politeness'?"
    with pytest.raises(UsageError, match="has no 'Politness'"):
        check_component("manners.rewards:Politness")


@pytest.mark.parametrize("path", ["manners.rewards:", ":Politeness", "manners:rewards:Politeness", "man ners:P"])
def test_a_path_of_another_form(path):
    error, problem = refusal(path)
    assert str(error) == f"'{path}' is no import path of a reward component"
    assert problem.fix == "write package.module:Class, such as mypackage.rewards:Politeness"


def test_an_object_is_no_class(package):
    package(POLITE + "\n    politeness = Politeness()\n")
    error, problem = refusal("manners.rewards:politeness")
    assert str(error) == (
        "'manners.rewards:politeness' is of type Politeness, not a class or function that makes a reward component"
    )
    assert problem.fix == "name the class itself"


def test_a_class_that_wants_other_arguments(package):
    package(POLITE + "\n        def __init__(self, words, resources, scale=1.0): ...\n")
    error, problem = refusal()
    assert str(error) == "'manners.rewards:Politeness' can't be called: it wants words"
    assert problem.fix == "let it take no argument, or one named resources"


def test_a_class_that_can_not_be_made(package):
    package(POLITE + "\n        def __init__(self):\n            raise KeyError('words')\n")
    error, problem = refusal()
    assert str(error) == "reward component 'manners.rewards:Politeness' can't be made: KeyError: 'words' (rewards.py:9)"
    assert problem.fix == (
        "mend manners.rewards:Politeness, or switch it off with --set rewards.manners.rewards:Politeness=0"
    )


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("pass", "reward component '{}' has no name, low, high, explanation, score"),
        ("name = low = high = explanation = score = ''", "name of reward component '{}' is '', not a text"),
        (
            "name, explanation, low, high, score = 'a', 'b', '0', 1, print",
            "low of reward component '{}' is '0', not a number",
        ),
        (
            "name, explanation, low, high, score = 'a', 'b', 0, float('inf'), print",
            "high of reward component '{}' is inf, not a number",
        ),
        (
            "name, explanation, low, high, score = 'a', 'b', 1, 0, print",
            "reward component '{}' has no range: low 1 is not below high 0",
        ),
        ("name, explanation, low, high, score = 'a', 'b', 0, 1, 0.5", "score of reward component '{}' can't be called"),
    ],
)
def test_a_class_that_is_no_component(package, body, what):
    package(f"class Politeness:\n    {body}\n")
    error, problem = refusal()
    assert isinstance(error, UsageError)
    assert str(error) == what.format("manners.rewards:Politeness")
    assert problem.at == "rewards.manners.rewards:Politeness"


def test_what_a_custom_component_gives_is_held_against_its_range(package):
    package(POLITE.replace('"please" in one.response', "len(one.response)"))
    with pytest.raises(EcrError) as caught:
        Composer({"manners.rewards:Politeness": 1.0}).score([sample("hello")])
    assert str(caught.value) == "reward component 'manners.rewards:Politeness' gave 5.0, outside [0, 1]"
    assert caught.value.problems[0].fix == (
        "mend the component, or switch it off with --set rewards.manners.rewards:Politeness=0"
    )
