"""What a run will take is told before it begins. That the counted work is the real one is in test_end_to_end."""

import runpy
import shutil
import time
from dataclasses import replace

import pytest

from clipaction.base.errors import StorageError
from clipaction.base.paths import ROOT
from clipaction.base.words import duration
from clipaction.notebook.lessons import forecast_line
from clipaction.profiles import load_profile
from clipaction.run import forecast
from clipaction.run.cli import main
from clipaction.run.forecast import Rates
from clipaction.run.work import Sizes, masking_pieces, sizes
from clipaction.study import Study

RATES = Rates(frames=1000, learned=300, videos=10, prompts=1000, trained=500, masked=10_000)


def test_sizes_of_each_kind_of_profile(tmp_path):
    assert sizes(load_profile("demo")) == Sizes(360, 72, 336, 160, 12, 4)
    mini = sizes(load_profile("ucf101-mini"))
    assert (mini.train, mini.val, mini.test, mini.classes) == (30, 10, 40, 10)  # 80 clips, as the README says
    whole = sizes(load_profile("ucf101"))
    assert whole.test == pytest.approx(3783, rel=0.02) and whole.train + whole.val == pytest.approx(9537, rel=0.02)


def test_a_rate_is_taken_while_nothing_else_runs(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(forecast.time, "perf_counter", lambda: clock[0])

    def job():
        clock[0] += 0.5 if 1 < clock[0] < 5 else 0.25  # another program runs from second 1 to 5
        return 2

    assert forecast.per_second(job, seconds=9) == 8


def test_less_work_is_forecast_to_take_less_time():
    profile = load_profile("demo")
    whole = forecast.forecast(profile, RATES).set_index("step")["seconds"]
    fewer = load_profile("demo", {"noise.steps": 40, "masking.percents": [30], "baselines.enabled": False})
    less = forecast.forecast(fewer, RATES).set_index("step")["seconds"]
    assert less["noise trainings"] < whole["noise trainings"] and less["masking sweep"] < whole["masking sweep"]
    assert "baselines" in whole and "baselines" not in less
    faster = forecast.forecast(profile, Rates(2000, 600, 20, 2000, 1000, 20_000))["seconds"]
    assert faster.sum() < 0.75 * whole.sum()


def test_ten_classes_of_real_videos_take_an_hour_on_two_cores():
    two_cores = Rates(frames=15.7, learned=5.6, videos=5, prompts=7.5, trained=390, masked=2200)  # ViT-B/32, measured
    assert forecast.forecast(load_profile("ucf101-mini"), two_cores)["seconds"].sum() < 3600


def test_what_takes_a_tenth_of_the_time_can_be_left_out():
    lines = forecast.savings(load_profile("ucf101-mini", {"noise.steps": 300}), RATES)
    assert any(line.startswith("--set noise.steps=40  saves ") for line in lines)


def test_finished_notebooks_take_no_time():
    table = forecast.forecast(load_profile("demo"), RATES)
    said = forecast.in_words(forecast.left(table, ["05", "06"], {}))
    assert [line.split()[-1] for line in said.splitlines() if line.startswith("03")] == ["done", "done"]
    ahead = table.loc[table["notebook"].isin(["05", "06"]), "seconds"].sum()
    assert said.splitlines()[-1].endswith(duration(ahead))


def test_what_an_interrupted_notebook_made_is_not_forecast_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_RESULTS", str(tmp_path))
    profile = load_profile("demo")
    table = forecast.forecast(profile, RATES)
    pieces = tmp_path / "demo" / "predictions" / "masking"
    pieces.mkdir(parents=True)
    for number in range(masking_pieces(profile) // 2):
        (pieces / f"{number}.parquet").touch()
    before, after = time.time() - 60, time.time() + 60

    def seconds(began):
        return forecast.left(table, ["03", "04"], forecast.there(profile, began)).set_index("step")["left"]

    whole = seconds(None)
    assert whole["masking sweep"] > 0 and seconds(after).equals(whole)  # files that were there before may be stale
    assert seconds(before)["masking sweep"] == pytest.approx(whole["masking sweep"] / 2, rel=0.02)
    with Study(profile, None, None).timed("masking sweep"):
        pass
    ended = seconds(before)
    assert ended["masking sweep"] == 0 and ended["noise trainings"] == whole["noise trainings"]
    said = forecast.in_words(forecast.left(table, ["03"], forecast.there(profile, before)))
    assert "done" in next(line for line in said.splitlines() if "masking sweep" in line)


def test_durations():
    assert [duration(s) for s in (45, 125, 3 * 3600 + 300)] == ["45 s", "2 min 05 s", "3 h 05 min"]


def test_plan_computes_nothing(tmp_path, monkeypatch, capsys):
    for name in ("DATA", "RESULTS", "FIGURES"):
        monkeypatch.setenv(f"CLIPACTION_{name}", str(tmp_path / name))
    monkeypatch.setattr(forecast, "probe", lambda profile: RATES)
    assert main(["run", "--profile", "ucf101-mini", "--set", "noise.steps=300", "--plan"]) == 0
    said = capsys.readouterr().out
    assert "80 videos" in said and "forecast for this machine" in said and "--set noise.steps=40" in said
    assert not list(tmp_path.rglob("*.parquet")) and not list(tmp_path.rglob("*.avi"))


def test_plan_of_some_notebooks_tells_of_these_alone(tmp_path, monkeypatch, capsys):
    for name in ("DATA", "RESULTS", "FIGURES"):
        monkeypatch.setenv(f"CLIPACTION_{name}", str(tmp_path / name))
    monkeypatch.setattr(forecast, "probe", lambda profile: RATES)
    seconds = forecast.forecast(load_profile("demo"), RATES).groupby("notebook")["seconds"].sum()
    for chosen, books in ((["--from", "5"], ["05", "06"]), (["--only", "03"], ["03"])):
        assert main(["run", "--plan", *chosen]) == 0
        lines = capsys.readouterr().out.splitlines()
        (total,) = [line for line in lines if line.startswith("forecast")]
        assert total.endswith(duration(seconds[books].sum()))
        assert all(line.endswith("done") == (line[:2] not in books) for line in lines[1 : lines.index(total)])


def test_a_notebook_says_what_it_was_forecast_to_take(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CLIPACTION_RESULTS", str(tmp_path))
    monkeypatch.setattr(forecast, "probe", lambda profile: RATES)
    assert forecast_line("demo", {}, "03").startswith("no forecast yet")
    forecast.announce(load_profile("demo"), ["03"])
    rows = forecast.forecast(load_profile("demo"), RATES).query("notebook == '03'")
    line = forecast_line("demo", {}, "03")
    assert duration(rows["seconds"].sum()) in line and "masking sweep" in line


def test_the_costs_in_the_documentation_are_those_of_the_forecast():
    page = runpy.run_path(ROOT / "docs" / "scaling.py")
    text = page["PAGE"].read_text(encoding="utf-8")
    assert page["written"](text) == text, "run python docs/scaling.py --write"


def test_a_disk_without_room_for_the_results_is_told_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_RESULTS", str(tmp_path))
    profile = load_profile("demo")
    assert 134e6 < forecast.space(profile) < 270e6  # it took 134 MB
    assert forecast.space(load_profile("quick")) < forecast.space(profile) < forecast.space(load_profile("ucf101"))
    disk = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(forecast.shutil, "disk_usage", lambda _: disk._replace(free=10**8))
    with pytest.raises(StorageError, match=f"{tmp_path}/demo has 100 MB free, about .* are needed; free some or point"):
        forecast.check_space(profile)
    with open(tmp_path / "demo" / "there.bin", "wb") as file:
        file.truncate(200 * 10**6)  # what is there already needs no room
    forecast.check_space(profile)


def test_what_notebooks_compute_outside_their_steps_counts():
    def rest(profile, **rates):
        table = forecast.forecast(load_profile(profile), replace(RATES, **rates))
        return table[table["step"] == "the rest"].set_index("notebook")["seconds"]

    slow = rest("ucf101-mini", frames=16, learned=5.6)
    assert slow["04"] > 100 + forecast.NOTEBOOKS["04"] and slow["03"] > 50 + forecast.NOTEBOOKS["03"]
    assert rest("demo")["04"] < 20 + forecast.NOTEBOOKS["04"] and slow["06"] == forecast.NOTEBOOKS["06"]


def test_networks_are_forecast_by_their_own_passes():
    def seconds(overrides):
        table = forecast.forecast(load_profile("demo", overrides), RATES).set_index("step")
        return table.loc["baselines", "seconds"]

    usual, more = seconds({}), seconds({"baselines.epochs": 11})
    assert 0 < more - usual < 0.1 * usual  # a pass of the two small ones
    assert seconds({"baselines.epochs_of.mc3-18": 3}) > usual + 3 * (more - usual)
    assert seconds({"baselines.weights": "auto"}) > 5 * usual  # that one sees larger frames
