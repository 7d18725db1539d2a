# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Masking: what does CLIP look at?
#
# **The question.** What must be hidden for CLIP to fail, and what is enough for it to be right?
#
# Three kinds of masks, in the paper's order. **Percentage and shape** masks hide a share of the frame, whatever it
# shows. **Feature-specific** masks hide one kind of thing everywhere it is. **Isolation** hides everything else.
#
# A mask that hides more costs more. To see the effect of *where* apart from the effect of *how much*, every region
# mask has a control, the same mask moved elsewhere in the same frame, and the effect that we report is the
# difference.
#
# **Afterwards you can** make a mask and its equal-area control by hand, and say which of a class's answers come from
# the background.
#
# **It needs** notebooks 01 and 02. *About two and a half minutes on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch

from clipaction.analysis import bias, doubtful, sources
from clipaction.evaluate.summaries import compare, summarise
from clipaction.masking.conditions import describe
from clipaction.masking.controls import elsewhere
from clipaction.masking.plan import SQUARE, plan
from clipaction.masking.regions import box, regions_of_images
from clipaction.notebook import pictures
from clipaction.notebook.explorer import MaskExplorer, offline
from clipaction.notebook.lessons import check, forecast_line
from clipaction.study import open_study
from clipaction.vision.clip import clips_to_input
from clipaction.vision.zero_shot import clip_scores

# %%
# the clips, their frames and the model of this profile
print(forecast_line(profile, overrides, "03"))
study = open_study(profile, overrides)
test = study.clips("test")
conditions = plan(study.profile)
encoded = len(conditions) * len(test) * study.profile.frames
print(
    f"{len(conditions)} conditions x {len(test)} test clips x {study.profile.frames} frames",
    f"= {encoded} frames to encode",
)

# %% [markdown]
# ## Look at the masks first
# Black is 0 *before* normalisation. Every shape covers exactly the same number of pixels.

# %%
example = pictures.example_clip(test)
first = study.profile.regions.sources[0]
by = ["", *(f"@{source}" for source in study.profile.regions.sources if source not in ("truth", "relevance"))]
shapes = [f"shape:{shape}:30:centre:still" for shape in study.profile.masking.shapes]
parts = [part for part in study.profile.regions.parts if part not in ("head", "limbs", "text")]
features = [f"hide:{part}:silhouette" for part in parts] + ["hide:actor+prop:box", "hide:actor+prop:plate"]
features += [f"hide:actor+prop:{grain}{source}" for source in by[1:] for grain in ("box", "silhouette")]
features += [f"control:hide:actor+prop:box{'' if first == 'truth' else f'@{first}'}"]
isolated = [f"keep:{part}:silhouette" for part in parts] + [f"keep:actor+prop:silhouette{source}" for source in by[1:]]
shown = ["none", *shapes, *(name for name in (*features, *isolated) if name in conditions)]
gallery = pictures.gallery(study, example, shown)
pictures.show(gallery)
plt.show()

# %% [markdown]
# Turn the knobs yourself, or draw a mask (in JupyterLab; `explore_masks` has the same on a page of its own):

# %%
MaskExplorer(study)

# %% [markdown]
# ## A box, its control, and what black means, by hand
# The box is the smallest rectangle around a mask, and a little more. Its control is the same rectangle moved: as many
# pixels, but elsewhere.

# %%
x = clips_to_input(study.store.get(example["row"]))  # one clip [1, T, 3, S, S] in [0, 1]
moves = regions_of_images(x, "motion")[0]  # what moves [T, S, S], from 0 to 1
size = moves.shape[1]
margin = round(0.02 * size)


def box_by_hand(mask):
    """The rectangle around one frame's mask [S, S], wider by 2 % of the frame."""
    inside, out = mask > 0.1, torch.zeros_like(mask)
    rows, columns = inside.any(1).nonzero()[:, 0], inside.any(0).nonzero()[:, 0]
    if len(rows):
        top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
        out[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1] = 1
    return out


boxes = torch.stack([box_by_hand(mask) for mask in moves])
assert torch.equal(boxes, box(moves))  # what the package computes


# %%
# the control: of all shifts by a 24th of the frame, around its edges, the one that overlaps least
def overlap(mask):
    return ((mask * boxes).sum() / boxes.sum()).item()


steps = range(0, size, max(1, size // 24))
shifted = [torch.roll(boxes, shift, (1, 2)) for shift in product(steps, steps)]
by_hand = min(shifted, key=overlap)
control = elsewhere(boxes, np.random.default_rng(0))  # the package's: one of the best, inside the frame if it can be
assert by_hand.sum() == control.sum() == boxes.sum()
print(f"overlap with the box: by hand {overlap(by_hand):.1%}, the package's control {overlap(control):.1%}")

# %% [markdown]
# Black is 0 *before* normalisation. Zeros written in *after* normalisation are something else: the mean colour of the
# model's training pictures, a grey. Both hide the same pixels, and CLIP's answers differ.

# %%
model, head, hidden = study.clip, study.head(), boxes[:, None]
mean, std = model.mean.cpu(), model.std.cpu()
black = x[0] * (1 - hidden)
normalised = (x[0] - mean) / std * (1 - hidden)  # zeros after normalisation ...
grey = x[0] * (1 - hidden) + mean * hidden  # ... are this picture
assert torch.allclose((grey - mean) / std, normalised, atol=1e-5)
for name, frames in (("whole", x[0]), ("black", black), ("zeros after normalisation", grey)):
    p = (clip_scores(model.encode_image(frames)[None], head)[0][0] / model.tau).softmax(0)
    print(f"{name}: {study.classes[p.argmax()]} {p.max().item():.2f}")
middle = [frames[len(frames) // 2].permute(1, 2, 0).clip(0, 1).cpu() for frames in (x[0], black, grey)]
pictures.tiles(middle, ["whole", "black", "zeros after normalisation"], columns=3, side=2)
plt.show()

# %% [markdown]
# ## Regions that cannot be right
# Hiding a wrong region says nothing about the actor. A region is doubted where it covers under 1 % of the frame
# (nothing was found), over 60 %, or the border more than the middle (a moving camera, water). On videos of your own,
# the tables leave out a clip whose region is doubted, for that source alone. The demo's tables hold every clip: its
# doubted regions are only counted.

# %%
checks = study.save("region_checks", doubtful.check_regions(study, test))
display(doubtful.counts(checks))
doubts = checks.loc[checks["doubt"] != "", ["source", "clip", "area", "border", "middle", "doubt"]]
print("no region is doubted" if doubts.empty else doubts.round(2).to_string(index=False, max_rows=40))
pictures.doubted(study, checks)
plt.show()

# %% [markdown]
# ## Predict, then measure
# Which of these costs most accuracy: a black 30 % square in the middle, the actor's silhouette in black, or the actor's
# bounding box in black?

# %%
guess = ""  # "30 % square", "actor hidden (silhouette)" or "actor hidden (box)"

# %%
# every test clip under every condition
with study.timed("masking sweep", len(conditions) * len(test)):
    masking = study.evaluate(test, conditions, "masking", frames=False)
study.save("predictions/masking", masking)
masking = doubtful.trusted(masking, checks, study.profile.dataset.kind)
summary = summarise(masking, by=["condition"]).set_index("condition")
columns = ["n_clips", "acc", "acc_low", "acc_high", "confidence"]
choices = [name for name in (SQUARE, "hide:actor:silhouette", "hide:actor:box") if name in summary.index]
print(check(guess, summary.loc[choices, "acc"].rename(index=describe)))
asked = ["none", SQUARE, "hide:actor:silhouette", "hide:actor:box", *(f"hide:actor+prop:box{source}" for source in by)]
summary.loc[[name for name in asked if name in summary.index], columns].rename(index=describe)

# %% [markdown]
# ## Percentage and shape
# **Expect** accuracy to fall with area, for every shape. **Ask** whether confidence falls with it. A model that is as
# confident behind a black square as without it cannot be trusted.

# %%
black = masking.condition.str.startswith("shape:") & ~masking.condition.str.contains("/")
rows = summarise(masking[black | (masking.condition == "none")], by=["condition"])
rows["shape"] = rows.condition.str.split(":").str[1].fillna("none")
rows["percent"] = rows.condition.str.split(":").str[2].fillna(0).astype(float)
rows.pivot_table(index="shape", columns="percent", values="acc", aggfunc="mean").round(2)

# %% [markdown]
# ## Features and isolation, each against its control
# `diff` is accuracy under the mask minus accuracy under the same mask elsewhere, paired clip by clip; the interval
# resamples groups. Below zero: what was hidden mattered. Above zero for isolation: what was left carries the answer.
# `p` flips the signs of whole groups. It is exploratory: with so many rows, some are small by chance.

# %%
pairs = {name: f"control:{name}" for name in conditions if f"control:{name}" in conditions}
if pairs:
    effects = compare(masking, pairs)
    effects["condition"] = effects.condition.map(describe)
    display(effects[["condition", "n_clips", "acc", "acc_baseline", "diff", "low", "high", "p"]].round(3))
else:
    print("this profile has no equal-area controls (regions.controls)")

# %% [markdown]
# ## A silhouette filled with black is still a silhouette
# Its outline shows the action. The box hides the outline, too. The clean plate (where the demo knows it) takes the
# actor away without any black.

# %%
grains = [f"hide:actor+prop:{grain}{source}" for source in by for grain in ("silhouette", "box", "plate")]
grains = ["none", *grains, *(f"keep:actor+prop:silhouette{source}" for source in by)]
summary.loc[[name for name in grains if name in summary.index], columns].rename(index=describe)

# %% [markdown]
# ## Is it the missing thing, or the black?
# Black edges are something new in the picture. Here are the same masks filled with the frame's mean colour, with its
# blur, and in black with a feathered edge. What all fills agree on is the effect of the missing thing; what only
# black does is an effect of black.

# %%
bases = (SQUARE, *(f"hide:actor+prop:box{source}" for source in by))
fills = [name for name in conditions if name.partition("/")[0] in bases]
summary.loc[fills, columns].rename(index=describe)

# %% [markdown]
# ## Clips where hiding one thing flips the answer
# Found by the code: right when whole, right when as many pixels elsewhere are hidden, wrong and confident when the
# one thing is hidden.

# %%
flips = bias.flips(masking)
pictures.flipped(study, test, flips)
plt.show()
flips.head(6)

# %% [markdown]
# ## What does each class lean on?
# `background`: accuracy with actor and prop gone, which the place alone earns. `actor`: accuracy that hiding them
# costs beyond the same boxes elsewhere. `flips`: share of answers that change when they are gone. `sure_wrong`:
# confidence of wrong answers. `sure_blind`: confidence when actor and prop are gone. `into`: the commonest answer
# then.

# %%
leanings = study.save("bias", bias.bias(masking, study.classes))
leanings.round(2) if len(leanings) else "no region source of this profile can hide actor and prop"

# %% [markdown]
# ## Which class is mistaken for which, and under which mask?
# Only clips that were right when whole count. A pair that is frequent under one mask is a bias. A pair that is
# frequent under all masks is the answer CLIP gives when it sees nothing.

# %%
falls = study.save("falls", bias.falls(masking, study.classes))
falls[falls["of"] >= 5].assign(condition=lambda t: t["condition"].map(describe)).head(12).round(2)

# %% [markdown]
# ## How well does a region source without ground truth find the actor?
# Real videos have no exact masks. `motion` finds what moves, `homography` what moves before a camera that moves, too
# (try it in the explorer above, or with `overrides = {"regions.sources": ["homography"]}`); `relevance` asks CLIP
# itself. Where truth is known (the demo), they are scored against the true actor and prop, beside two baselines that
# do not look at the picture.
# `pointing`: how often the single most relevant pixel lies on actor or prop. `top20`: how much of the most relevant
# fifth does (they cover less than a fifth of the frame, so it cannot reach 1).

# %%
scores = sources.score_sources(study, test.iloc[:: max(1, len(test) // 112)])
study.save("region_scores", scores)
area = (
    f"actor and prop cover {scores['area'].mean():.0%} of the frame"
    if len(scores)
    else "no ground truth: nothing to score"
)
print(area)
sources.source_summary(scores).round(2)

# %% [markdown]
# ## Save the pictures for the figures

# %%
squares = [f"shape:square:{percent}:centre:still" for percent in study.profile.masking.percents]
pictures.save_gallery(study, "gallery", gallery)
pictures.save_gallery(study, "strip", pictures.gallery(study, example, ["none", *squares]))

# %% [markdown]
# The explorer with a few clips as one file, which opens without Python; notebook 06 puts it beside the report:

# %%
page = offline.save(study, study.results / "explorer.html")
print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# ## What was found

# %%
whole, lowest = summary.loc["none", "acc"], summary.loc[choices, "acc"]
print(f"{describe(lowest.idxmin())} costs {whole - lowest.min():.1%} of all answers; whole frames: {whole:.1%} right.")
if pairs:
    largest = effects.loc[effects["diff"].idxmin()]
    print(f"Beyond its equal-area control, most is lost with: {largest['condition']} ({largest['diff']:+.1%}).")
if len(leanings):
    print(f"With actor and prop gone, {leanings['background'].mean():.1%} are still right: what the place alone earns.")

# %% [markdown]
# ## Exercises
# 1. Which shape costs most at the largest area?
# 2. Behind which mask is CLIP surest although it is wrong?
# 3. Put a mask of your own on every test clip: a 30 % cross. (A shape ranks pixels; the lowest become the mask.)
#
# <details><summary>Solutions</summary>
#
# ```python
# print(rows[rows["percent"] == rows["percent"].max()].sort_values("acc")[["condition", "acc"]].head(1))
# ```
#
# ```python
# sure = masking[masking.pred != masking.label].groupby("condition")["p_pred"].mean().drop("none", errors="ignore")
# print(describe(sure.idxmax()), sure.max())
# ```
#
# ```python
# from clipaction.masking.shapes import shape
#
#
# @shape("cross-of-mine")
# def cross(grid):
#     v, u = grid.box(fill=0.5)
#     return np.minimum(abs(v), abs(u))
#
#
# mine = study.evaluate(test, ["shape:cross-of-mine:30:centre:still"], "masking", frames=False)
# print((mine.pred == mine.label).mean())
# ```
#
# </details>
#
# **Next:** notebook 04 learns noise against what was found here. On what a mask does beside hiding: Hooker et al. 2019,
# arXiv:1806.10758.
