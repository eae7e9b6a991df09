"""Where keys stand in a TOML file."""

from ecr_engine.config.toml_lines import key_lines

TEXT = '''# line 1
seed = 1

[ppo]   # line 4
epochs = 2
text = """
[not.a.table]
key = 1
"""
values = [
  1,
  2,
]
"quoted.key" = 3
deep.er = { a = 1, b.c = 2 }
[prompt]
'''


def test_every_kind_of_key():
    assert key_lines(TEXT) == {
        ("seed",): 2,
        ("ppo",): 4,
        ("ppo", "epochs"): 5,
        ("ppo", "text"): 6,
        ("ppo", "values"): 10,
        ("ppo", "quoted.key"): 14,
        ("ppo", "deep"): 15,
        ("ppo", "deep", "er"): 15,
        ("ppo", "deep", "er", "a"): 15,
        ("ppo", "deep", "er", "b"): 15,
        ("ppo", "deep", "er", "b", "c"): 15,
        ("prompt",): 16,
    }


def test_windows_line_ends():
    assert key_lines("a = 1\r\n\r\nb = 2\r\n") == {("a",): 1, ("b",): 3}
