"""tab01: what data the run is based on, and what could not be read."""

from __future__ import annotations

import pandas as pd

from ..items import Table, table
from ..looks import SCENE_LABELS, SCENES
from ..results import Results
from ..selections import order
from ..typeset import NOTHING, count


@table("tab01", "Data: clips, groups and frames of every split, and what could not be read")
def tab01(results: Results) -> Table:
    clips = results.table("clips.parquet").fillna({"domain": "", "scene": "", "reason": ""})
    failed = results.failed()
    records = []
    for (domain, split), rows in clips.groupby(["domain", "split"]):
        scenes = list(rows.groupby("scene"))
        records.append({"domain": domain, "split": split, "scene": "all", **tally(rows)})
        if len(scenes) > 1:
            records += [{"domain": domain, "split": split, "scene": scene, **tally(part)} for scene, part in scenes]
    data = order(pd.DataFrame(records), domain=["home", "ward"], split=["test", "val", "train"], scene=SCENES)
    how = failed["ok"].map({True: "used, with a note", False: "could not be read"})
    listed = failed.rename(columns={"id": "clip"}).assign(split=how)[["split", "clip", "reason"]]
    data = pd.concat([data.assign(clip="", reason=""), listed], ignore_index=True)
    data[["domain", "scene"]] = data[["domain", "scene"]].fillna("")
    view = data[["domain", "split", "scene"]].replace({"scene": SCENE_LABELS})
    for name in ("classes", "groups", "clips", "read", "frames"):
        view[name] = [count(n) for n in data[name]]
    view["minutes"] = [NOTHING if pd.isna(s) else f"{s / 60:.1f}" for s in data["seconds"]]
    if len(failed):
        view["clip"], view["reason"] = data["clip"], data["reason"]
    if results.place == "test":
        view = view.drop(columns=["domain", "scene"])
    note = "Every clip could be read."
    if len(failed):
        note = f"{len(failed)} clips that are damaged or stand still are listed below the counts."
    return Table(data, view, f"Data. {note} {results.facts(split='all')}")


def tally(rows: pd.DataFrame) -> dict:
    """Counts of some clips; frames and seconds are of those that could be read."""
    read = rows[rows["ok"]]
    return {
        "classes": rows["cls"].nunique(),
        "groups": rows["group"].nunique(),
        "clips": len(rows),
        "read": len(read),
        "frames": int(read["n_frames"].sum()),
        "seconds": float((read["n_frames"] / read["fps"]).sum()),
    }
