"""The costs in scaling.md: whole runs and how long they take on several machines, by the forecast that every run prints
before it begins (`clipaction.run.forecast`).

python docs/scaling.py            prints the table
python docs/scaling.py --write    puts it into scaling.md, between its two marks
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from clipaction.base.files import write_text
from clipaction.base.words import duration
from clipaction.profiles import load_profile
from clipaction.run.forecast import NOTEBOOKS, READING, Rates
from clipaction.run.work import BOXES, Sizes, Work, outside, sizes, steps

PAGE = Path(__file__).with_name("scaling.md")
BEGIN = "<!-- costs: written by python docs/scaling.py --write, not by hand -->"
END = "<!-- end of costs -->"

# Rates of ViT-B/32. Measured: two cores of an AMD EPYC (7003, AVX2), fp32, by the forecast's own probe on random
# weights. The others are assumed, in round numbers: cores as many times as fast as two, but prompts at three learning
# rates use three; GPUs in fp16 what their makers and users report for this model, a third of it with gradients, and ten
# times as many frames masked or seen by the frame CNN; videos READING seconds a core.
MEASURED = Rates(frames=15.7, learned=5.6, videos=2 / READING, prompts=7.5, trained=390, masked=2200)


def cores(number: int) -> Rates:
    """Assumed: `number` cores like those that were measured, or machines with as many in all."""
    times = number / 2
    shared = {name: times * rate for name, rate in vars(MEASURED).items() if name != "prompts"}
    return replace(MEASURED, prompts=MEASURED.prompts * min(1.5, times), **shared)


def gpus(number: int, frames: float, cores: int) -> Rates:
    """Assumed: GPUs that embed so many frames a second each, fed by so many cores each."""
    rate = number * frames
    return Rates(rate, rate / 3, number * cores / READING, frames / 2, trained=10 * rate, masked=10 * rate)


MACHINES = {
    "laptop, 2 cores (measured)": MEASURED,
    "8 cores": cores(8),
    "4 hosts of 8 cores": cores(32),
    "workstation GPU, 8 cores": gpus(1, 2000, 8),
    "data-centre GPU, 16 cores": gpus(1, 6000, 16),
    "8 such GPUs": gpus(8, 6000, 16),
}
YEAR = 365 * 24 * 360  # clips of one camera, one every ten seconds


def tasks() -> dict[str, list[Work]]:
    """What each whole run computes, step by step."""
    mini, split = load_profile("ucf101-mini"), load_profile("ucf101")
    kinetics = Sizes(train=400 * 54, val=400 * 9, test=19_900, away=0, classes=400, frames=split.frames)
    once = whole(split, sizes(split))
    return {
        "ucf101-mini": whole(mini, sizes(mini)),
        "ucf101, one split": once,
        "ucf101, 3 splits, 3 seeds": 9 * once,
        "Kinetics-400, validation clips": whole(split, kinetics),
        "one camera's year, headline noise": [Work(frames=2 * YEAR * split.frames, videos=YEAR, masked=BOXES)],
    }


def whole(profile, n: Sizes) -> list[Work]:
    return [*(work for *_, work in steps(profile, n)), *outside(profile, n).values()]


def table() -> str:
    """The costs as a Markdown table."""
    head = ["whole run", "frames embedded", *MACHINES]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name, works in tasks().items():
        frames = sum(work.frames for work in works)
        times = [in_words(sum(map(rates.seconds, works)) + sum(NOTEBOOKS.values())) for rates in MACHINES.values()]
        rows.append([name, f"{frames / 1e6:,.2f} million", *times])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def in_words(seconds: float) -> str:
    """Hours and minutes, or days where there are more than two."""
    return f"{seconds / 86400:,.0f} days" if seconds > 2 * 86400 else duration(seconds)


def written(page: str) -> str:
    """The page with the table between its two marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        write_text(PAGE, written(PAGE.read_text(encoding="utf-8")))
    else:
        print(table())
