"""Tables and tensors that are kept: reused by their key, and known when they are damaged."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.base import code
from clipaction.base.cache import cached_table, kept_table, read_table, save_table
from clipaction.base.errors import UserError
from clipaction.base.graph import Code
from clipaction.base.tensors import facts_of, read_tensors, save_tensors
from clipaction.evaluate.sweep import evaluate
from clipaction.noise.learning import learn


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "clip": [f"c{i}" for i in range(50)],
            "pred": rng.integers(0, 12, 50),
            "p_true": rng.random(50),
            "scores": list(rng.random((50, 12), np.float32)),
        }
    )


def same(found: pd.DataFrame, table: pd.DataFrame) -> bool:
    plain = [name for name in table if name != "scores"]
    values = np.array_equal(np.stack(found["scores"].to_list()), np.stack(table["scores"].to_list()))
    return list(found) == list(table) and found[plain].equals(table[plain]) and values


def test_what_is_read_is_what_was_written(table, tmp_path):
    path = tmp_path / "rows.parquet"
    save_table(path, table, "key")
    assert same(read_table(path), table) and same(pd.read_parquet(path), table)
    table.to_parquet(path)  # by another program
    assert same(read_table(path), table)


def test_one_flipped_bit_anywhere_is_found_or_changes_nothing(table, tmp_path):
    path = tmp_path / "rows.parquet"
    save_table(path, table, "key")
    sound, rng, found = path.read_bytes(), np.random.default_rng(1), 0
    for position in [0, 3, *rng.integers(0, len(sound), 600), len(sound) - 6, len(sound) - 1]:
        damaged = bytearray(sound)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        kept = kept_table(path, "key")
        found += kept is None
        assert kept is None or same(kept, table), position
    assert found > 400


@pytest.mark.parametrize("content", [b"", b"PAR1", "half"])
def test_a_cut_table_is_made_again(table, tmp_path, content):
    path = tmp_path / "rows.parquet"
    save_table(path, table, "key")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content == "half" else content)
    with pytest.raises(UserError, match="rows.parquet is damaged .*; delete it and run again"):
        read_table(path)
    assert same(cached_table(path, "key", lambda: table), table)
    assert same(cached_table(path, "key", lambda: pytest.fail("made again")), table)


def test_one_flipped_bit_of_a_tensor_file_is_found(tmp_path):
    path, rng = tmp_path / "n.safetensors", np.random.default_rng(0)
    tensors = {"delta": torch.rand(2, 3, 8, 8), "gate": torch.eye(4)}
    save_tensors(path, tensors, eps=16, key="abc")
    found, facts = read_tensors(path)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors) and facts == {"eps": "16", "key": "abc"}
    sound = path.read_bytes()
    for position in [0, 7, 8, *rng.integers(0, len(sound), 200), len(sound) - 1]:
        flipped = bytearray(sound)
        flipped[position] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        try:
            found, facts = read_tensors(path)
        except UserError as error:
            assert str(error) == f"{path} is damaged; delete it and run again, which makes it anew"
            assert facts_of(path) == {}
            continue
        # a flip in the header's own padding or in the name of the digest changes nothing that counts
        assert facts.get("key") == "abc" and all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_threads_that_make_keys_at_once_make_the_same_keys(monkeypatch):
    def digests(threads: int) -> list[str]:
        fresh = Code()
        monkeypatch.setattr(code, "code", lambda: fresh)
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(code.code_digest, [learn, evaluate] * 3))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        assert digests(6) == digests(1)
    finally:
        sys.setswitchinterval(interval)
