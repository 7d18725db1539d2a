"""The frame store: each clip decoded once, the model's preprocessing, resumed after a kill, never used half made."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pandas as pd
import pytest
from PIL import Image
from test_video import moving, write

from clipaction.base.errors import UserError
from clipaction.base.graph import PACKAGE, Code
from clipaction.data import filling, store
from clipaction.data.dataset import Clip, Dataset
from clipaction.data.filling import Sampling
from clipaction.data.preprocess import coverage, resize
from clipaction.data.store import FrameStore, prepare
from clipaction.data.video import decode, segment_centres
from clipaction.demo.truth import save_truth


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))


def toy_dataset(folder, count=6, truth=False):
    """`count` clips in two classes; with truth, an actor of four stripes on a grey plate."""
    clips = []
    for i in range(count):
        path = write(folder / f"{i}.avi", moving(12 + i))
        if truth:
            labels = np.zeros((12 + i, 48, 64), np.uint8)
            for code in (1, 2, 3, 4):
                labels[:, :, 16 + 8 * (code - 1) : 16 + 8 * code] = code
            save_truth(
                path.with_suffix(".truth.npz"), labels, np.full((52, 68, 3), 128, np.uint8), np.full((12 + i, 2), 2)
            )
        clips.append(
            Clip(
                f"c{i:02d}",
                path,
                i % 2,
                "ab"[i % 2],
                f"g{i}",
                "test",
                truth=path.with_suffix(".truth.npz") if truth else None,
            )
        )
    return Dataset("toy", ("a", "b"), {"a": "a", "b": "b"}, clips)


def contents(result: FrameStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in result.folder.iterdir()}


@pytest.fixture
def decodes(monkeypatch):
    """Names of the files decoded so far."""
    names = []
    monkeypatch.setattr(filling, "decode", lambda path, count: names.append(Path(path).name) or decode(path, count))
    return names


def test_round_trip(tmp_path, decodes):
    dataset = toy_dataset(tmp_path)
    result = prepare(dataset, 24, 4, tmp_path / "frames", workers=2)
    assert result.frames.shape == (6, 4, 24, 24, 3) and result.frames.dtype == np.uint8
    assert isinstance(result.frames, np.memmap) and not result.frames.flags.writeable
    assert result.rows == {f"c{i:02d}": i for i in range(6)}
    for clip in dataset:
        expected = resize(decode(clip.path, 4).frames, 24)
        assert np.array_equal(result.get([result.rows[clip.id]])[0], expected)
    assert list(result.table.columns) == ["id", "row", "n_frames", "fps", "width", "height", "indices", "ok", "reason"]
    assert result.table.n_frames.tolist() == [12 + i for i in range(6)]
    assert result.table.loc[2, "indices"].tolist() == segment_centres(14, 4).tolist()
    assert result.table.ok.all() and set(result.table.width) == {64}
    assert (result.parts, result.plates) == (None, None)
    assert sorted(contents(result)) == ["content.json", "failed.csv", "frames.npy", "index.parquet"]
    assert len(pd.read_csv(result.folder / "failed.csv")) == 0
    again = prepare(dataset, 24, 4, tmp_path / "frames")
    assert len(decodes) == 6 and again.key == result.key and again.table.equals(result.table)


def test_get_copies(tmp_path):
    result = prepare(toy_dataset(tmp_path), 24, 2, tmp_path / "frames")
    got = result.get([3, 1])
    assert np.array_equal(got, result.frames[[3, 1]])
    got[:] = 0
    assert result.frames[3].any()


def test_bytes_depend_on_neither_workers_nor_order(tmp_path):
    dataset = toy_dataset(tmp_path, truth=True)
    one = prepare(dataset, 24, 4, tmp_path / "one", workers=1)
    shuffled = Dataset(dataset.name, dataset.classes, dataset.phrases, dataset.clips[::-1])
    two = prepare(shuffled, 24, 4, tmp_path / "two", workers=3)
    assert one.key == two.key and contents(one) == contents(two)


def test_resume_decodes_only_what_is_missing(tmp_path, decodes, monkeypatch):
    dataset = toy_dataset(tmp_path)
    whole = contents(prepare(dataset, 24, 4, tmp_path / "whole"))
    decodes.clear()
    real, killed = filling.decode, ["3.avi"]

    def dies(path, count):
        if Path(path).name in killed:
            raise KeyboardInterrupt
        return real(path, count)

    monkeypatch.setattr(filling, "decode", dies)
    with pytest.raises(KeyboardInterrupt):
        prepare(dataset, 24, 4, tmp_path / "frames", workers=1)
    (folder,) = (tmp_path / "frames").glob("[!.]*")
    journal = folder / "rows.jsonl"
    finished = [json.loads(line)["row"] for line in journal.read_text().splitlines()]
    assert 0 < len(finished) < 6 and not (folder / "index.parquet").exists()
    with pytest.raises(UserError, match="no finished frame store"):
        FrameStore.open(folder)
    journal.write_text(journal.read_text() + '{"row": 4, "id": "c')  # the kill came in the middle of a line
    killed.clear()
    decodes.clear()
    assert contents(prepare(dataset, 24, 4, tmp_path / "frames")) == whole
    assert sorted(decodes) == sorted(f"{i}.avi" for i in range(6) if i not in finished)


def test_store_whose_files_were_cut_is_made_again(tmp_path, decodes):
    dataset = toy_dataset(tmp_path)
    result = prepare(dataset, 24, 4, tmp_path / "frames")
    whole = contents(result)
    for name in ("frames.npy", "index.parquet"):
        decodes.clear()
        os.truncate(result.folder / name, 100)
        assert contents(prepare(dataset, 24, 4, tmp_path / "frames")) == whole
        assert len(decodes) == 6


def test_store_with_a_wrong_byte_is_made_again(tmp_path, decodes, capsys):
    dataset = toy_dataset(tmp_path, truth=True)
    result = prepare(dataset, 24, 4, tmp_path / "frames")
    whole = contents(result)
    for name in ("frames.npy", "parts.npy", "plates.npy", "content.json", "index.parquet"):
        decodes.clear()
        changed = bytearray(whole[name])
        changed[len(changed) // 2] ^= 1
        (result.folder / name).write_bytes(changed)
        assert contents(prepare(dataset, 24, 4, tmp_path / "frames")) == whole, name
        assert len(decodes) == 6 and "decoded again" in capsys.readouterr().out


def test_key_covers_clips_files_and_sampling(tmp_path):
    clips = toy_dataset(tmp_path, 2).clips

    def key(*sampling):
        return store.store_key(clips, Sampling(*sampling))

    keys = [key(24, 4), key(24, 5), key(32, 4), key(24, 4, "bilinear"), key(24, 4, "bicubic", "squash")]
    keys.append(store.store_key(clips[:1], Sampling(24, 4)))
    write(tmp_path / "0.avi", moving(20))
    keys.append(key(24, 4))
    (tmp_path / "0.avi").unlink()
    keys.append(key(24, 4))
    assert len(set(keys)) == len(keys)


def test_copied_data_folder_with_new_times_decodes_nothing(tmp_path, decodes, monkeypatch):
    old, new = tmp_path / "data", tmp_path / "copy"
    (old / "videos").mkdir(parents=True)
    first = prepare(toy_dataset(old / "videos", truth=True), 24, 4, old / "frames")
    assert len(decodes) == 6
    shutil.copytree(old, new, copy_function=shutil.copyfile)
    for path in new.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))
    shutil.rmtree(old)
    monkeypatch.setenv("CLIPACTION_DATA", str(new))
    clips = [
        Clip(
            f"c{i:02d}",
            new / f"videos/{i}.avi",
            i % 2,
            "ab"[i % 2],
            f"g{i}",
            "test",
            truth=new / f"videos/{i}.truth.npz",
        )
        for i in range(6)
    ]
    moved = Dataset("toy", ("a", "b"), {"a": "a", "b": "b"}, clips)
    assert prepare(moved, 24, 4, new / "frames").key == first.key and len(decodes) == 6
    data = bytearray(clips[3].path.read_bytes())
    data[len(data) // 2] ^= 1  # one byte of one video; its size stays
    clips[3].path.write_bytes(data)
    assert prepare(moved, 24, 4, new / "frames").key != first.key and len(decodes) == 12


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("data/video.py", "in one pass over the file", "in a single pass", False),  # a docstring
        ("data/video.py", "  # decoding will report it", "", False),  # a comment
        ("data/filling.py", "SYNC_SECONDS = 2.0", "SYNC_SECONDS = 3.0", False),  # no byte depends on it
        ("data/store.py", "FAILED_SHARE = 0.05", "FAILED_SHARE = 0.1", False),
        ("demo/actions.py", "practising archery", "doing archery", False),
        ("data/still.py", "FROZEN_LEVEL = 8", "FROZEN_LEVEL = 9", True),
        ("data/preprocess.py", "antialias=True", "antialias=False", True),
        ("data/preprocess.py", "PART_CODES = (1, 2,", "PART_CODES = (2, 1,", True),
        ("demo/truth.py", "offset[list(indices)]", "offset[indices]", True),
    ],
)
def test_key_covers_the_code_that_decides_a_byte_and_no_other(tmp_path, file, old, new, changes):
    def lines():
        return Code(tmp_path / "clipaction").lines([(f.__module__, f.__name__) for f in store.DECODING.functions])

    shutil.copytree(PACKAGE, tmp_path / "clipaction", ignore=shutil.ignore_patterns("__pycache__"))
    before, path = lines(), tmp_path / "clipaction" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert (lines() != before) == changes


def test_failures_are_listed_and_not_fatal(tmp_path, capsys):
    dataset = toy_dataset(tmp_path, 22)
    (tmp_path / "4.avi").write_text("not a video")
    data = (tmp_path / "7.avi").read_bytes()
    (tmp_path / "7.avi").write_bytes(data[: len(data) // 2])
    result = prepare(dataset, 24, 2, tmp_path / "frames")
    assert "c04" not in result.rows and len(result.rows) == 21
    assert not result.table.ok[4] and "invalid data" in result.table.reason[4]
    assert result.table.ok[7] and "announced frames decode" in result.table.reason[7]
    listed = pd.read_csv(result.folder / "failed.csv")
    assert listed[["id", "used"]].values.tolist() == [["c04", False], ["c07", True]]
    assert listed.path.tolist() == [str(tmp_path / "4.avi"), str(tmp_path / "7.avi")]
    assert "c04: invalid data" in capsys.readouterr().out


def test_names_of_any_bytes_and_what_is_no_file(tmp_path):
    """Such names stay out of tables: ids and the list of failures are text that can be printed and stored."""
    clips = toy_dataset(tmp_path, 22).clips
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.avi"))
    clips[4].path.rename(odd)
    (tmp_path / "5.avi").unlink()
    os.mkfifo(tmp_path / "5.avi")  # would be waited for
    os.truncate(odd, odd.stat().st_size * 2 // 3)
    clips[4] = replace(clips[4], path=odd)
    result = prepare(Dataset("toy", ("a", "b"), {}, clips), 24, 2, tmp_path / "frames")
    assert len(result.rows) == 21 and result.table.reason[5] == "a named pipe, not a video file"
    listed = pd.read_csv(result.folder / "failed.csv")
    assert listed.path.tolist() == [f"{tmp_path}/caf\\xe9.avi", str(tmp_path / "5.avi")]


@pytest.mark.parametrize("shape", [(2, 7680), (7680, 2)])
def test_very_wide_frames_cost_no_gigabytes(shape):
    """Only the middle of such a frame comes into the square."""
    height, width = shape
    images = np.arange(height * width, dtype=np.uint32).reshape(1, height, width, 1).repeat(3, -1).astype(np.uint8)
    middle = images[:, (height - 16) // 2 :][:, :16] if height > width else images[:, :, (width - 16) // 2 :][:, :, :16]
    assert np.array_equal(resize(images, 224), resize(middle, 224))


def test_more_than_five_percent_failed(tmp_path):
    dataset = toy_dataset(tmp_path, 10)
    (tmp_path / "3.avi").unlink()
    for _ in range(2):  # also when the store is finished
        with pytest.raises(
            UserError, match=r"1 of 10 clips cannot be used, more than 5%: c03 \(no such file or directory\)"
        ) as error:
            prepare(dataset, 24, 2, tmp_path / "frames")
        assert "\n" not in str(error.value)


def test_emptied_class(tmp_path):
    clips = toy_dataset(tmp_path, 24).clips
    clips = [clip for clip in clips if clip.cls == "a" or clip.id == "c01"]
    (tmp_path / "1.avi").write_text("not a video")
    with pytest.raises(UserError, match=r"no clip of b can be used: c01 \(invalid data"):
        prepare(Dataset("toy", ("a", "b"), {}, clips), 24, 2, tmp_path / "frames")


def test_no_clips(tmp_path):
    with pytest.raises(UserError, match="no clips in toy"):
        prepare(Dataset("toy", (), {}, []), 24, 2, tmp_path)


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite"])
def test_full_disk(tmp_path, monkeypatch, call):
    dataset = toy_dataset(tmp_path)
    if not hasattr(os, call):
        pytest.skip(f"this system has no {call}")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(
            UserError, match="no space left .* MB are free; free some or point CLIPACTION_DATA elsewhere"
        ):
            prepare(dataset, 24, 2, tmp_path / "frames")
    (folder,) = (tmp_path / "frames").glob("[!.]*")
    assert not (folder / "index.parquet").exists()
    if call == "posix_fallocate":
        assert sum(path.stat().st_size for path in folder.iterdir()) == 0  # the space is given back
    assert contents(prepare(dataset, 24, 2, tmp_path / "frames")) == contents(
        prepare(dataset, 24, 2, tmp_path / "other")
    )


def test_other_trouble_is_not_called_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
    with pytest.raises(OSError, match="I/O error"):
        prepare(toy_dataset(tmp_path, 2), 24, 2, tmp_path / "frames")


def test_truth_follows_the_frames(tmp_path):
    result = prepare(toy_dataset(tmp_path, truth=True), 24, 3, tmp_path / "frames")
    assert result.parts.shape == (6, 3, 5, 24, 24) and result.plates.shape == (6, 3, 24, 24, 3)
    assert result.parts.dtype == result.plates.dtype == np.uint8
    assert (result.plates[:] == 128).all()
    for i in range(4):  # 64 x 48 becomes 32 x 24, cropped to columns 4 to 28: stripes of 4 columns, the first at 4
        assert (result.parts[:, :, i, :, 4 * i + 5 : 4 * i + 7] == 255).all()
        assert abs(result.parts[:, :, i].mean() / 255 - 1 / 6) < 0.01


def test_unreadable_truth_is_a_failed_clip(tmp_path):
    dataset = toy_dataset(tmp_path, 22, truth=True)
    (tmp_path / "5.truth.npz").write_bytes(b"PK\x03\x04 half a file")
    result = prepare(dataset, 24, 2, tmp_path / "frames")
    assert "c05" not in result.rows and "ground truth" in result.table.reason[5]


def test_no_pickle(tmp_path):
    dataset = toy_dataset(tmp_path)
    result = prepare(dataset, 24, 2, tmp_path / "frames")
    shutil.rmtree(result.folder / "frames.npy", ignore_errors=True)
    with open(result.folder / "frames.npy", "wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="frames.npy is damaged"):
        _ = FrameStore.open(result.folder).frames
    assert prepare(dataset, 24, 2, tmp_path / "frames").frames.dtype == np.uint8  # seen as unfinished, made again


def photo(height, width, seed=0):
    """A picture with edges, texture and saturated patches, uint8 [H, W, 3]."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    image = np.asarray(small).astype(int) + rng.integers(-40, 41, (height, width, 3))
    image[height // 3 : height // 2, width // 4 : width // 2] = (255, 0, 255)
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "resize_mode, interpolation", [("shortest", "bicubic"), ("shortest", "bilinear"), ("squash", "bicubic")]
)
@pytest.mark.parametrize("size", [96, 224])
@pytest.mark.parametrize(
    "shape", [(240, 320), (320, 240), (240, 426), (256, 340), (1080, 1920), (241, 319), (224, 224), (97, 301)]
)
def test_resize_is_open_clips(shape, size, resize_mode, interpolation):
    options = {"mean": (0, 0, 0), "std": (1, 1, 1), "resize_mode": resize_mode, "interpolation": interpolation}
    transform = open_clip.image_transform(size, False, **options)
    image = photo(*shape)
    expected = (transform(Image.fromarray(image)) * 255).round().permute(1, 2, 0).numpy()
    ours = resize(image[None], size, interpolation, resize_mode)[0]
    assert ours.shape == (size, size, 3)
    assert np.abs(ours - expected).max() <= (2 if resize_mode == "shortest" else 4)


def test_unsupported_preprocessing(tmp_path):
    with pytest.raises(UserError, match="longest"):
        prepare(toy_dataset(tmp_path, 2), 24, 2, tmp_path, resize_mode="longest")


def test_coverage():
    labels = np.full((2, 240, 320), 2, np.uint8)
    assert (coverage(labels, 96)[:, 1] == 255).all() and coverage(labels, 96)[:, [0, 2, 3, 4]].max() == 0
    labels = np.random.default_rng(0).integers(0, 7, (2, 240, 320), dtype=np.uint8)
    parts = coverage(labels, 96)
    assert parts.shape == (2, 5, 96, 96) and parts.dtype == np.uint8
    assert np.abs(parts.mean((0, 2, 3)) / 255 - 1 / 7).max() < 0.005
    labels = np.zeros((1, 240, 320), np.uint8)
    labels[:, 100:140, 120:180] = 1  # 40 x 60 px of 240 x 240 in the crop
    assert abs(coverage(labels, 96)[0, 0].mean() / 255 - 40 * 60 / 240**2) < 2e-4
