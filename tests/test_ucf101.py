"""UCF-101 from its names, from copies in every layout people have, and over a network that misbehaves."""

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from web import Site, serving

from clipaction.base.errors import UserError
from clipaction.data.dataset import load_dataset
from clipaction.data.ucf101 import archive as whole_archive
from clipaction.data.ucf101 import failures, lists, names
from clipaction.profiles import load_profile
from clipaction.run import arguments as cli

MINI = load_profile("ucf101-mini").dataset.classes


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(whole_archive.time, "sleep", lambda _: None)
    monkeypatch.setattr(failures, "wait_exponential", lambda *_, **__: 0)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A zip like the real one: 101 classes, 25 groups, 2 clips each, as UCF101/v_*.avi; random bytes for videos."""
    path, rng = tmp_path_factory.mktemp("zip") / "UCF101_videos.zip", np.random.default_rng(0)
    spelt = {folder: file for file, folder in names.ALIAS.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        for cls in names.phrases():
            for group in range(1, 26):
                for clip in (1, 2):
                    out.writestr(f"UCF101/v_{spelt.get(cls, cls)}_g{group:02d}_c{clip:02d}.avi", rng.bytes(3000))
        out.writestr("../../evil.avi", b"x")
        out.writestr("UCF101/readme.txt", b"x")
    return path


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- names


def test_groups_decide_the_split():
    assert names.parse("v_Archery_g07_c01.avi") == ("Archery", 7, 1)
    for group, tests in ((1, 1), (7, 1), (8, 2), (14, 2), (15, 3), (21, 3), (22, None), (25, None)):
        assert [k for k in (1, 2, 3) if names.in_test(group, k)] == ([tests] if tests else [])
    for name in (
        "v_Archery_g26_c01.avi",
        "v_Archery_g00_c01.avi",
        "Archery_g01_c01.avi",
        "v_Archery.avi",
        "v_Sleeping_g01_c01.avi",
    ):
        with pytest.raises(ValueError, match="not a UCF-101 clip"):
            names.parse(name)


def test_words_for_all_101_classes_in_the_official_order():
    assert len(names.phrases()) == 101 and list(names.phrases()) == sorted(names.phrases(), key=str.lower)
    assert all(
        words == words.strip() and words[0].islower() and not words.endswith(".") for words in names.phrases().values()
    )
    assert len(set(names.phrases().values())) == 101
    assert (
        names.parse("v_HandStandPushups_g01_c01.avi")[0]
        == names.parse("v_HandstandPushups_g01_c01.avi")[0]
        == "HandstandPushups"
    )


@pytest.mark.skipif(
    "CLIPACTION_TEST_SPLITS" not in os.environ, reason="CLIPACTION_TEST_SPLITS names no folder of official lists"
)
@pytest.mark.parametrize("k, tests, trains", [(1, 3783, 9537), (2, 3734, 9586), (3, 3696, 9624)])
def test_official_lists(k, tests, trains):
    folder = Path(os.environ["CLIPACTION_TEST_SPLITS"])
    official = {
        split: {
            line.split()[0].split("/")[1] for line in (folder / f"{split}list0{k}.txt").read_text().splitlines() if line
        }
        for split in ("train", "test")
    }
    assert (len(official["test"]), len(official["train"])) == (tests, trains)
    ours = names.choose(list(official["train"] | official["test"]), load_profile("ucf101").dataset, k)
    assert {clip["name"] for clip in ours if clip["split"] == "test"} == official["test"]
    assert {clip["name"] for clip in ours if clip["split"] != "test"} == official["train"]
    classes = [line.split()[1] for line in (folder / "classInd.txt").read_text().splitlines() if line]
    assert [names.ALIAS.get(cls, cls) for cls in classes] == list(names.phrases())


# ---- a copy of one's own


def clip_names(classes=("Archery", "HandStandPushups", "Biking")):
    return [f"v_{cls}_g{g:02d}_c{c:02d}.avi" for cls in classes for g in range(1, 26) for c in (1, 2)]


def test_flat_folder_class_folders_and_zip_are_the_same_data_set(tmp_path):
    for folder in ("flat", "classes"):
        for name in clip_names():
            path = tmp_path / folder / (names.parse(name)[0] if folder == "classes" else "") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"video")
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as out:
        for name in clip_names():
            out.writestr(f"UCF101/{name}", b"video")
    for k in (1, 2, 3):
        tables = []
        for root, said in (("flat", "one flat folder"), ("classes", "3 class folders"), ("own.zip", "zip file")):
            dataset = load_dataset(
                load_profile("ucf101", {"dataset.root": str(tmp_path / root), "dataset.splits": [k]})
            )
            assert (
                dataset.note.startswith(said)
                and "150 clips of 3 classes; missing: 98 classes (ApplyEyeMakeup" in dataset.note
            )
            assert all(clip.path.read_bytes() == b"video" for clip in dataset)
            tables.append(dataset.table())
        assert tables[0].equals(tables[1]) and tables[0].equals(tables[2])
        assert dataset.classes == ("Archery", "Biking", "HandstandPushups") and len(dataset) == len(clip_names())
        assert dataset.phrases["Biking"] == "riding a bicycle"
        for clip in dataset:
            assert (clip.split == "test") == names.in_test(int(clip.group[-2:]), k)


def test_few_clips_a_group_and_what_is_missing_by_name(tmp_path):
    for name in clip_names(("Archery", "Biking")):
        if "Biking_g03" not in name:
            (tmp_path / name).touch()
    few = {"test_clips": 1, "train_groups": 3, "train_clips": 1, "root": str(tmp_path)}
    dataset = load_dataset(load_profile("ucf101", {"dataset": few}))
    assert len(dataset.select("test")) == 7 + 6 and len(dataset.select("train")) == 2 * 3
    assert "1 groups (Biking g03)" in dataset.note


def test_own_videos_are_told_from_a_copy_of_ucf101(tmp_path):
    parse = cli.parser().parse_args
    for folder, name in (("own", "Archery/my holiday.mp4"), ("ucf", "Archery/v_Archery_g01_c01.avi")):
        (tmp_path / folder / name).parent.mkdir(parents=True)
        (tmp_path / folder / name).touch()
    for data, profile in (("own", "folder"), ("ucf", "ucf101")):
        assert cli.profile_of(parse(["run", "--data", str(tmp_path / data)]))[0] == profile
    (tmp_path / "ucf" / "Archery" / "extra.mp4").touch()
    assert cli.profile_of(parse(["run", "--data", str(tmp_path / "ucf")]))[0] == "folder"


@pytest.mark.parametrize(("file", "expected"), [
    (None, "no UCF-101 videos in"),
    ("UCF101.rar", "holds UCF101.rar but no videos; unpack it there first: unrar x UCF101.rar"),
    ("UCF101.zip", "holds UCF101.zip but no videos; name the zip file itself"),
    ("v_Sleeping_g01_c01.avi", "is not a UCF-101 clip"),
])  # fmt: skip
def test_a_folder_that_will_not_do(tmp_path, file, expected):
    (tmp_path / "in").mkdir()
    if file:
        (tmp_path / "in" / file).touch()
    with pytest.raises(UserError, match=expected):
        load_dataset(load_profile("ucf101", {"dataset.root": str(tmp_path / "in")}))


def test_unknown_class_no_test_clip_and_a_zip_that_is_none(tmp_path):
    (tmp_path / "v_Archery_g25_c01.avi").touch()
    with pytest.raises(UserError, match="no test clip of UCF-101's split 1"):
        load_dataset(load_profile("ucf101", {"dataset.root": str(tmp_path)}))
    with pytest.raises(UserError, match="UCF-101 has no class Sleeping"):
        load_dataset(load_profile("ucf101", {"dataset": {"root": str(tmp_path), "classes": ["Archery", "Sleeping"]}}))
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as out:
        out.writestr("v_Sleeping_g01_c01.avi", b"video")
    with pytest.raises(UserError, match="v_Sleeping_g01_c01.avi is not a UCF-101 clip"):
        load_dataset(load_profile("ucf101", {"dataset.root": str(tmp_path / "odd.zip")}))
    (tmp_path / "own.zip").write_bytes(b"not a zip")
    with pytest.raises(UserError, match="own.zip cannot be read as a zip file"):
        load_dataset(load_profile("ucf101", {"dataset.root": str(tmp_path / "own.zip")}))


# ---- over the network


def load(monkeypatch, url, profile="ucf101-mini", sha256="", **dataset):
    monkeypatch.setenv("UCF101_URL", f"{url}/videos.zip")
    monkeypatch.setenv("UCF101_SHA256", sha256)
    return load_dataset(load_profile(profile, {"dataset": dataset}))


def test_mini_moves_a_small_share_of_the_bytes_and_nothing_the_second_time(archive, monkeypatch):
    site = Site({"/videos.zip": archive})
    with serving(site) as url:
        dataset = load(monkeypatch, url)
        directory = 5052 * 120 + 2 * 65536
        assert set(dataset.classes) == set(MINI) and len(dataset) == 10 * (4 + 1 + 3)
        assert site.sent < len(dataset) * 3100 + directory
        with zipfile.ZipFile(archive) as whole:
            for clip in list(dataset)[::10]:
                assert clip.path.read_bytes() == whole.read(f"UCF101/{clip.path.name}")
        moved = site.sent
        again = load(monkeypatch, url)
        assert site.sent == moved and [c.id for c in again] == [c.id for c in dataset]
    assert [c.id for c in load(monkeypatch, url)] == [c.id for c in dataset]  # the server is gone: no matter
    assert all(
        path.suffix in (".avi", ".csv", ".json") and path.name[0] != "."
        for path in dataset.clips[0].path.parent.iterdir()
    )


def test_mini_over_a_line_that_breaks(archive, monkeypatch):
    with serving(Site({"/videos.zip": archive}, cut=1500, cuts=5)) as url:
        dataset = load(monkeypatch, url, classes=["Archery", "Biking"])
    assert all(clip.path.stat().st_size == 3000 for clip in dataset)


def test_whole_archive_goes_on_after_cuts_and_after_a_kill(archive, tmp_path, monkeypatch):
    size, sha256 = archive.stat().st_size, hash_of(archive)
    part = tmp_path / "data" / "ucf101" / "UCF101_videos.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(archive.read_bytes()[: size // 2])  # what a kill at 50 % leaves
    site = Site({"/videos.zip": archive}, cut=size // 5, cuts=2)
    with serving(site) as url:
        dataset = load(monkeypatch, url, "ucf101", sha256, classes=MINI, test_clips=1, val_clips=1, train_clips=1)
    assert site.sent < size - size // 2 + 2 * whole_archive.CHUNK and site.requests == 3
    assert len(dataset) == 10 * 25
    assert hash_of(part.with_name("UCF101_videos.zip")) == sha256 and not part.exists()
    assert not list(tmp_path.rglob("evil.avi")) and not list(tmp_path.rglob("readme.txt"))


def test_whole_archive_from_a_server_without_ranges_starts_anew(archive, tmp_path, monkeypatch):
    part = tmp_path / "data" / "ucf101" / "UCF101_videos.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half of something else")
    with serving(Site({"/videos.zip": archive}, ranges=False)) as url:
        assert len(load(monkeypatch, url, "ucf101", hash_of(archive), classes=["Archery", "Biking"])) == 100


@pytest.mark.parametrize(("site", "profile", "expected"), [
    ({"ranges": False}, "ucf101-mini", "does not answer range requests.*--profile ucf101"),
    ({"status": 404}, "ucf101-mini", "the server answered 404.*--data DIR"),
    ({"status": 404}, "ucf101", "the server answered 404"),
    ({"status": 503}, "ucf101-mini", "the server answered 503"),
    ({"html": True}, "ucf101", "no sound zip file.*HTML.*proxy"),
    ({}, "ucf101", "has sha256 .* not 0000.*it is deleted"),
    ({"cut": 10, "cuts": 10**6}, "ucf101", "cannot fetch .*run again to go on"),
])  # fmt: skip
def test_trouble_is_one_line_with_its_remedy(archive, monkeypatch, tmp_path, site, profile, expected):
    with serving(Site({"/videos.zip": archive}, **site)) as url, pytest.raises(UserError, match=expected) as error:
        load(monkeypatch, url, profile, "0" * 64)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "data" / "ucf101" / "UCF101_videos.zip").exists() and not list(tmp_path.rglob("*.avi"))


def test_no_server_full_disk_and_a_certificate_nobody_trusts(archive, monkeypatch):
    with pytest.raises(UserError, match="cannot fetch http://127.0.0.1:9/videos.zip.*refused.*HTTPS_PROXY"):
        load(monkeypatch, "http://127.0.0.1:9")
    with serving(Site({"/videos.zip": archive})) as url:
        monkeypatch.setattr(failures.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
        with pytest.raises(UserError, match="GB free.*CLIPACTION_DATA"):
            load(monkeypatch, url)
    error = failures.requests.exceptions.SSLError("certificate verify failed")
    with (
        pytest.raises(UserError, match="certificate is not trusted.*REQUESTS_CA_BUNDLE"),
        failures.as_user_error("https://x.org/a.zip"),
    ):
        raise error


def test_official_lists_are_fetched_and_checked(tmp_path, monkeypatch):
    (tmp_path / "lists.zip").write_bytes(b"something else")
    with serving(Site({"/lists.zip": tmp_path / "lists.zip"})) as url:
        monkeypatch.setenv("UCF101_SPLITS_URL", f"{url}/lists.zip")
        with pytest.raises(UserError, match="not the official lists"):
            lists.official_lists()
        with zipfile.ZipFile(tmp_path / "lists.zip", "w") as out:
            for k in (1, 2, 3):
                for split in ("train", "test"):
                    out.writestr(f"ucfTrainTestlist/{split}list0{k}.txt", f"Archery/v_Archery_g0{k}_c01.avi 1\r\n")
        monkeypatch.setattr(lists, "SPLITS_SHA256", hash_of(tmp_path / "lists.zip"))
        assert lists.official_lists()[2] == {"train": {"v_Archery_g02_c01"}, "test": {"v_Archery_g02_c01"}}
