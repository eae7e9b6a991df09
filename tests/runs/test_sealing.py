"""Before a checkpoint gets its name: room, finite numbers, and a manifest that no byte can change unseen in."""

import errno
import hashlib
import os
import resource
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from ecr_engine.errors import DataError, DivergedError, EcrError, ExitCode
from ecr_engine.runs import hashing, space
from ecr_engine.runs.checkpoints import latest, list_checkpoints, plan_prune, prune, save_checkpoint, sweep
from ecr_engine.runs.hashing import scan
from ecr_engine.runs.manifest import Depth, load_manifest, verify
from ecr_engine.runs.tensor_files import read_tensors, summarise

FREE_SOME = "free some space, or keep fewer: --set checkpoints.keep_last=1; the checkpoint before it is whole"


def text(folder):
    (folder / "weights").write_bytes(b"abc")


def save(stage, step, write=text, *, best=False, keep_last=9, needs=None):
    return save_checkpoint(stage, step, write, metrics={"loss": 0.5}, best=best, keep_last=keep_last, needs=needs)


def tensors(**arrays):
    return lambda folder: save_file(arrays, folder / "model.safetensors")


def header_of(path, content, body=b""):
    path.write_bytes(struct.pack("<Q", len(content)) + content + body)
    return path


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_numbers_that_are_not_finite_are_not_saved(tmp_path, kind, wrong):
    former = save(tmp_path, 1, tensors(a=np.ones(3, kind)))
    values = np.ones(1000, kind)
    values[777] = wrong
    with pytest.raises(DivergedError) as caught:
        save(tmp_path, 2, tensors(a=np.ones(3, kind), b=values))
    problem = caught.value.problems[0]
    assert problem.what == "nothing is saved of step 2: the tensor 'b' in 'model.safetensors' is not finite"
    assert problem.fix == "go on from the checkpoint before, with a lower learning rate: --resume auto"
    assert caught.value.exit_code == ExitCode.DIVERGED
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000001"]
    assert (latest(tmp_path), verify(former, Depth.NUMBERS)) == (former, [])


def test_the_largest_and_smallest_numbers_are_finite(tmp_path):
    extremes = {
        kind.__name__: np.array([np.finfo(kind).max, np.finfo(kind).min, np.finfo(kind).smallest_subnormal], kind)
        for kind in (np.float16, np.float32, np.float64)
    }
    path = save(tmp_path, 1, tensors(whole=np.full(9, -1, np.int64), **extremes))
    assert verify(path, Depth.NUMBERS) == []


def test_bfloat16(tmp_path):
    # 0x7F7F is the largest bfloat16, 0x7F80 infinity, 0x7FC0 NaN, 0xFF80 minus infinity.
    for bits, finite in ((0x7F7F, True), (0x7F80, False), (0x7FC0, False), (0xFF80, False)):
        content = b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
        path = header_of(tmp_path / "model.safetensors", content, struct.pack("<H", bits))
        assert scan(path, finite=True).not_finite == (() if finite else ("a",))


def test_a_number_is_found_wherever_blocks_are_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(hashing, "BLOCK", 64)
    for place in (0, 15, 16, 17, 99):
        values = np.zeros(100, np.float32)
        values[place] = np.nan
        path = tmp_path / "model.safetensors"
        save_file({"a": np.zeros(7, np.float16), "b": values, "c": np.zeros(5, np.float32)}, path)
        found = scan(path, finite=True)
        assert found.not_finite == ("b",)
        assert (found.size, found.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


HEADERS = {
    "short": (b"\x01\x00", "it has only 2 bytes"),
    "of a gigabyte": (
        struct.pack("<Q", 10**9) + b"{}",
        "its header would have 1000000000 bytes, and 100000000 is the most",
    ),
    "longer than the file": (struct.pack("<Q", 999) + b"{}", "its header would have 999 bytes, and the file has 10"),
    "no JSON": (struct.pack("<Q", 2) + b"{]", "its header is not JSON"),
    "nested too deep": (struct.pack("<Q", 200_000) + b"[" * 200_000, "its header is not JSON"),
    "a list": (struct.pack("<Q", 2) + b"[]", "its header is not a JSON object"),
    "cut": (struct.pack("<Q", 2) + b"{}" + b"xyz", "it has 13 bytes, and its header speaks of 10"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_damaged_header_is_told_without_reading_on(tmp_path, name):
    content, why = HEADERS[name]
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_tensors(path)
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == (f"'a.safetensors' is no whole safetensors file: {why}", str(path))


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ('{"dtype":"F32","shape":[2],"data_offsets":[0,4]}', "the tensor 'a' has another size than its shape"),
        ('{"dtype":"F32","shape":[-1],"data_offsets":[0,-4]}', "its header does not say what the tensor 'a' is"),
        ('{"dtype":"PY","shape":[1],"data_offsets":[0,4]}', "its header does not say what the tensor 'a' is"),
        (
            '{"dtype":"F32","shape":[1],"data_offsets":[4,8]}',
            "the tensor 'a' does not lie where the one before it ends",
        ),
    ],
)
def test_a_tensor_that_is_not_where_it_should_be(tmp_path, facts, why):
    path = header_of(tmp_path / "a.safetensors", f'{{"a":{facts}}}'.encode(), bytes(4))
    with pytest.raises(DataError, match=why):
        read_tensors(path)


def test_what_a_file_holds(tmp_path):
    path = tmp_path / "a.safetensors"
    packed = {"q": np.zeros((8, 1), np.uint8), "q.absmax": np.zeros(2, np.float32), "q.quant_map": np.zeros(16, "f4")}
    save_file({"w": np.zeros((3, 4), np.float16), **packed}, path)
    found = summarise(read_tensors(path))
    # 12 weights, and 8 bytes with two weights each.
    assert (found.tensors, found.parameters, found.dtypes) == (4, 28, {"F32": 2, "U8": 1, "F16": 1})


def test_no_byte_of_a_manifest_changes_unseen(tmp_path):
    path = save(tmp_path, 1)
    whole = (path / "manifest.json").read_bytes()
    for place in range(len(whole)):
        # A space that becomes a tab is still the same JSON.
        for other in {whole[place] ^ 1, 9 if whole[place] == 32 else whole[place] ^ 0x20}:
            (path / "manifest.json").write_bytes(whole[:place] + bytes([other]) + whole[place + 1 :])
            assert verify(path, Depth.SIZES), (place, other)
    (path / "manifest.json").write_bytes(whole)
    assert verify(path) == []


def test_a_manifest_of_the_first_schema_has_no_seal(tmp_path):
    path = save(tmp_path, 1)
    manifest = path / "manifest.json"
    old = manifest.read_text().replace('"schema": 2', '"schema": 1')
    manifest.write_text(old)
    assert [problem.what for problem in verify(path)] == ["the checkpoint manifest is not as it was written"]
    lines = [line for line in old.splitlines() if '"seal"' not in line and '"origin"' not in line]
    manifest.write_text("\n".join(lines).replace("},\n}", "}\n}"))
    assert (verify(path), load_manifest(path).step) == ([], 1)


def test_a_manifest_that_names_files_outside(tmp_path):
    path = save(tmp_path, 1)
    (path / "manifest.json").write_text(
        '{"schema": 1, "step": 1, "metrics": {}, "created": 1.0, "best": false,'
        ' "files": {"../../../secret": {"size": 1, "sha256": "0"}}}'
    )
    (problem,) = verify(path)
    assert problem.what == "the checkpoint manifest names a file outside: '../../../secret'"


def test_a_link_in_the_place_of_a_file_is_no_file(tmp_path):
    path = save(tmp_path, 1)
    (tmp_path / "elsewhere").write_bytes(b"abc")
    (path / "weights").unlink()
    (path / "weights").symlink_to(tmp_path / "elsewhere")
    assert [problem.what for problem in verify(path)] == ["'weights' is not a plain file"]


def test_a_checkpoint_under_the_name_of_another_step(tmp_path):
    path = save(tmp_path, 1).rename(tmp_path / "checkpoints" / "step-000002")
    assert [problem.what for problem in verify(path)] == ["the file 'manifest.json' is that of step 1"]


def test_room_is_asked_for_before_anything_is_written(tmp_path, monkeypatch):
    save(tmp_path, 1, lambda folder: (folder / "weights").write_bytes(bytes(5000)))
    size = sum(path.stat().st_size for path in (tmp_path / "checkpoints" / "step-000001").iterdir())
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: SimpleNamespace(free=size - 1))
    begun = []
    with pytest.raises(EcrError) as caught:
        save(tmp_path, 2, begun.append)
    problem = caught.value.problems[0]
    needed = f"it takes about {size:,} bytes in {tmp_path}, {size - 1:,} bytes are free there now"
    assert problem.what == f"no space for the checkpoint of step 2: {needed}"
    assert (problem.at, problem.fix) == (str(tmp_path), FREE_SOME)
    assert (caught.value.exit_code, begun) == (ExitCode.FAILED, [])
    with pytest.raises(EcrError, match=f"step 3: it takes about {size:,} bytes"):
        save(tmp_path / "new", 3, needs=size)
    assert save(tmp_path, 2, needs=size - 1).name == "step-000002"


def test_files_that_are_shared_need_no_room_and_are_not_hashed_again(tmp_path, monkeypatch):
    base = tmp_path / "base"
    base.write_bytes(bytes(4000))

    def write(folder):
        os.link(base, folder / "base")
        (folder / "adapter").write_bytes(b"abc")

    first = save(tmp_path, 1, write)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: SimpleNamespace(free=3000))
    read = []
    monkeypatch.setattr(hashing, "scan", lambda path, *, finite: read.append(path.name) or scan(path, finite=finite))
    second = save(tmp_path, 2, write)
    assert read == ["adapter"]
    monkeypatch.undo()
    own = [sum(path.stat().st_size for path in each.iterdir()) - 4000 for each in (first, second)]
    assert (space.freed_bytes([first]), space.freed_bytes([first, second])) == (own[0], sum(own))
    base.unlink()
    assert space.freed_bytes([first, second]) == sum(own) + 4000
    assert load_manifest(second).files["base"].sha256 == hashlib.sha256(bytes(4000)).hexdigest()
    assert (verify(first), verify(second)) == ([], [])


@pytest.mark.parametrize("limit", [0, 100, 5000])
@pytest.mark.parametrize("kind", ["plain", "safetensors"])
def test_a_disk_that_is_full_leaves_the_former_checkpoint(tmp_path, kind, limit):
    def write(folder):
        (folder / "a").write_bytes(bytes(100))
        if kind == "plain":
            (folder / "b").write_bytes(bytes(9000))
        else:
            save_file({"b": np.zeros(3000, np.float32)}, folder / "b.safetensors")

    former = save(tmp_path, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(EcrError) as caught:
            save(tmp_path, 2, write)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    problem = caught.value.problems[0]
    # A file is cut at the limit; the tensor library leaves none.
    written = min(limit, 100) + (limit if kind == "plain" else 0)
    assert problem.what.startswith(
        f"no space for the checkpoint of step 2: {written:,} bytes of it were written to {tmp_path}, "
    )
    assert (problem.at, problem.fix, caught.value.exit_code) == (str(tmp_path), FREE_SOME, ExitCode.FAILED)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000001"]
    assert (latest(tmp_path), verify(former)) == (former, [])


def test_another_fault_of_the_system_stays_what_it_is(tmp_path):
    def write(folder):
        raise OSError(errno.EIO, "Input/output error", str(folder))

    with pytest.raises(OSError, match="Input/output error"):
        save(tmp_path, 1, write)
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_damaged_ones_are_no_safety_and_are_kept_where_they_are_newer(tmp_path):
    for step in (1, 2, 3, 4, 5):
        save(tmp_path, step, best=step == 1)
    for step in (2, 4):
        (tmp_path / "checkpoints" / f"step-00000{step}" / "weights").write_bytes(b"abcd")
    found = [(verdict.checkpoint.step, verdict.kept) for verdict in plan_prune(tmp_path, 2)]
    assert found == [(1, "best"), (2, ""), (3, "among the newest"), (4, "among the newest"), (5, "latest")]
    assert [path.name for path in prune(tmp_path, 2)] == ["step-000002"]


def test_sweep_goes_on_past_damaged_manifests(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step, best=step == 3)
    (tmp_path / "checkpoints" / "step-000003" / "manifest.json").write_text("{")
    sweep(tmp_path)
    assert latest(tmp_path).name == "step-000002"
    # No other was the best: the link stays rather than that nothing is.
    assert (tmp_path / "best").readlink().name == "step-000003"
    assert [info.damaged is None for info in list_checkpoints(tmp_path)] == [True, True, False]


def test_a_clock_that_is_set_back_changes_no_order(tmp_path, monkeypatch):
    for step, now in ((1, 2e9), (2, 1e9)):
        monkeypatch.setattr("time.time", lambda now=now: now)
        save(tmp_path, step, best=True)
    sweep(tmp_path)
    assert latest(tmp_path).name == "step-000002"
    assert (tmp_path / "best").readlink().name == "step-000002"
    assert load_manifest(latest(tmp_path)).created == 1e9
