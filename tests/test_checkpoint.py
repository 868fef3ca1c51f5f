"""Checkpoints: every kind of leaf comes back, damage is always noticed, and random streams go on where they stood."""

import errno
import json
import math
import os
import random
import struct

import numpy as np
import pytest
import safetensors.torch
import torch
from games import no_leftovers, on_each_device, same

from ganlab import checkpoint
from ganlab.checkpoint import CheckpointError, load, save
from ganlab.runtime import random_states, randomness_kept, set_random_states

PLAIN = {
    "text": "naïve \u2028 \0 \"quoted\" \\ 网络", "empty": "", "true": True, "false": False, "none": None, "whole": -3,
    "huge": 2**80, "number": 0.1, "tiny": 5e-324, "infinite": -math.inf, "list": [1, [2.5, []], "x"], "dict": {},
    "numbered": {0: "zero", 7: {"a": 1}, "0": "text"}, "look-alike": {"__tensor__": "0/w", "__dict__": [[1, 2]]},
}  # fmt: skip
TENSORS = {
    "float32": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
    "float64": torch.tensor([0.1, math.pi], dtype=torch.float64),
    "bfloat16": torch.tensor([[1.5, -2.25]], dtype=torch.bfloat16),
    "float16": torch.tensor([65504.0], dtype=torch.float16),
    "int64": torch.tensor([2**62, -1]),
    "uint8": torch.arange(256, dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(3.25),
    "whole": torch.tensor(7),
    "empty": torch.zeros(0, 3),
    "not finite": torch.tensor([math.nan, math.inf]),
    "strided": torch.arange(12.0).reshape(3, 4).T,
    "channels_last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("state", [PLAIN, TENSORS, {"a": [TENSORS, {"b": PLAIN}], "c": list(TENSORS.values())}, {}])
def test_every_kind_of_leaf_comes_back(tmp_path, state):
    save(tmp_path / "state", state)
    assert same(load(tmp_path / "state"), state)


def test_tuples_come_back_as_lists_and_not_a_number_as_itself(tmp_path):
    save(tmp_path / "state", {"pair": (1, (torch.ones(2), "x")), "nan": math.nan})
    state = load(tmp_path / "state")
    assert same(state["pair"], [1, [torch.ones(2), "x"]]) and math.isnan(state["nan"])


def test_names_that_could_meet_stay_apart(tmp_path):
    state = {"a/b": torch.ones(1), "a": {"b": torch.zeros(1)}, 1: torch.tensor(2.0), "1": torch.tensor(3.0)}
    save(tmp_path / "state", state)
    assert same(load(tmp_path / "state"), state)


@on_each_device
@pytest.mark.parametrize("fused", [True, False])
def test_an_optimizer_comes_back(tmp_path, device, fused):
    model = torch.nn.Linear(3, 2).to(device)
    optimizer = torch.optim.Adam(model.parameters(), fused=fused)
    model(torch.ones(4, 3, device=device)).sum().backward()
    optimizer.step()
    save(tmp_path / "state", optimizer.state_dict())
    state = load(tmp_path / "state")
    assert list(state["state"]) == [0, 1]  # numbers, not text
    torch.testing.assert_close(
        state["state"][0], optimizer.state_dict()["state"][0], check_device=False, rtol=0, atol=0
    )
    torch.optim.Adam(model.parameters(), fused=fused).load_state_dict(state)


def test_saving_takes_a_copy_and_the_file_is_not_pickle(tmp_path):
    weight = torch.ones(3, requires_grad=True)
    save(tmp_path / "state", {"w": weight, "again": weight})
    raw = (tmp_path / "state").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    assert header.pop("__metadata__")["format"] == checkpoint.FORMAT
    assert len(raw) == 8 + length + max(entry["data_offsets"][1] for entry in header.values())
    assert not load(tmp_path / "state")["w"].requires_grad


@pytest.mark.parametrize(("state", "message"), [
    ({"a": {"b": object()}}, "state: got object at /a/b, expected tensors and plain values"),
    ({"a": np.zeros(2)}, "state: got ndarray at /a"), ({"a": [1, {2}]}, "state: got set at /a/1"),
    ({"a": {(1, 2): 3}}, r"state: got the key \(1, 2\) at /a, expected text or a whole number"),
])  # fmt: skip
def test_what_cannot_be_kept_is_refused_and_nothing_written(tmp_path, state, message):
    with no_leftovers(tmp_path), pytest.raises(TypeError, match=message):
        save(tmp_path / "state", state)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """Return the bytes of a checkpoint that has some of everything."""
    path = tmp_path_factory.mktemp("whole") / "state"
    save(path, {**PLAIN, **TENSORS, "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}}})
    return path.read_bytes()


def refused(path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="^path: .*(damaged|is not a ganlab-1 checkpoint)"):
        load(path)


def test_a_cut_file_is_refused(tmp_path, whole):
    (header,) = struct.unpack("<Q", whole[:8])
    for length in {
        0,
        1,
        7,
        8,
        9,
        8 + header - 1,
        8 + header,
        9 + header,
        len(whole) - 1,
        *range(0, len(whole), len(whole) // 12),
    }:
        refused(tmp_path / "cut", whole[:length])


def test_a_single_changed_byte_is_noticed_wherever_it_is(tmp_path, whole):
    chance = random.Random(0)
    (header,) = struct.unpack("<Q", whole[:8])
    names = [
        whole.index(name) + 2
        for name in (b'"state"', b'"sha256"', b'"format"', b'"__metadata__"', b"data_offsets", b"F32")
    ]
    for position in [
        *range(8),
        *names,
        *chance.sample(range(8 + header), 40),
        *chance.sample(range(8 + header, len(whole)), 20),
    ]:
        changed = bytearray(whole)
        changed[position] ^= 1 << chance.randrange(8)
        refused(tmp_path / "changed", bytes(changed))


@pytest.mark.parametrize(("old", "new"), [(b'"shape":[3,4]', b'"shape":[4,3]'), (b'"dtype":"F32"', b'"dtype":"I32"')])
def test_bytes_read_as_another_shape_or_type_are_noticed(tmp_path, whole, old, new):
    assert old in whole
    refused(tmp_path / "changed", whole.replace(old, new, 1))


@pytest.mark.parametrize(
    "content", [b"hello", safetensors.torch.save({"w": torch.ones(2)}), b"PK\x03\x04" + bytes(200)]
)
def test_files_of_another_kind_are_refused(tmp_path, content):
    refused(tmp_path / "other", content)


def test_a_missing_file_is_refused(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(CheckpointError, match="path: there is no checkpoint at"):
            load(path)


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    save(tmp_path / "state", {"n": 1})

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, no_leftovers(tmp_path), pytest.raises(OSError, match="No space left"):
        patch.setattr(os, "fsync", full)
        save(tmp_path / "state", {"n": 2})
    assert load(tmp_path / "state") == {"n": 1}


def draws(device: str) -> list:
    """Draw from every global generator, in ways that leave a second normal number in store."""
    return [
        [random.random(), random.gauss(0, 1)],
        [float(np.random.rand()), float(np.random.normal())],
        [torch.rand(1).item(), torch.randn(1).item(), torch.randperm(7).tolist()],
        torch.rand(3, device=device).tolist(),
    ]


@on_each_device
def test_random_streams_go_on_exactly_where_they_stood(tmp_path, device):
    with randomness_kept():
        draws(device)  # an odd number of normals: one is in store
        save(tmp_path / "state", random_states())
        expected = [draws(device) for _ in range(200)]  # more than one refill of the twister
        for states in (load(tmp_path / "state"), load(tmp_path / "state")):
            set_random_states(states)
            assert [draws(device) for _ in range(200)] == expected
        assert draws(device) != expected[0]


@on_each_device
def test_randomness_is_kept_even_when_an_error_comes(device):
    with randomness_kept():
        before = random_states()
        expected = draws(device)
        set_random_states(before)
        with pytest.raises(ZeroDivisionError), randomness_kept():
            draws(device)
            torch.manual_seed(1)
            raise ZeroDivisionError
        assert draws(device) == expected
