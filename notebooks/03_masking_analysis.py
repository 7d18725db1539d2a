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
# Three maskings, in the paper's order. **Percentage and shape** masks hide a share of the frame wherever it happens to be.
# **Feature-specific** masks hide one kind of thing everywhere it is. **Isolation** keeps only that.
#
# One rule makes it evidence: *an effect of where is never an effect of how much*. Beside every region mask stands its control, the same mask
# moved elsewhere in the same frame, and the effect we report is the difference.
#
# *About four minutes on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from clipaction import conditions, experiments, pictures, stats
from clipaction.study import open_study

study = open_study(profile, overrides)
test = study.clips("test")
plan = conditions.plan(study.profile)
print(f"{len(plan)} conditions x {len(test)} test clips x {study.profile.frames} frames = {len(plan) * len(test) * study.profile.frames} frames to encode")

# %% [markdown]
# ## Look at the masks first
# Black is 0 *before* normalisation. Every shape covers exactly the same number of pixels.

# %%
example = pictures.example_clip(test)
shapes = [f"shape:{shape}:30:centre:still" for shape in study.profile.masking.shapes]
whole = ("actor+prop:box", "actor+prop:plate", "actor+prop:box@motion", "actor+prop:silhouette@motion")
parts = [part for part in study.profile.regions.parts if part not in ("head", "limbs", "text")]
features = [f"hide:{part}:silhouette" for part in parts] + [f"hide:{part}" for part in whole] + ["control:hide:actor+prop:box"]
isolated = [f"keep:{part}:silhouette" for part in parts] + ["keep:actor+prop:silhouette@motion"]
gallery = pictures.masked(study, example, ["none", *shapes, *(name for name in (*features, *isolated) if name in plan)])
pictures.show(gallery)
plt.show()

# %% [markdown]
# ## Predict, then measure
# Write your prediction down before you run the next cell: which of these costs most accuracy: a black 30 % square in the middle, the actor's
# silhouette in black, or the actor's bounding box in black?

# %%
with study.timed("masking sweep", len(plan) * len(test)):
    masking = study.evaluate(test, plan, "masking", frames=False)
study.save("predictions/masking", masking)
summary = stats.summarise(masking, by=["condition"]).set_index("condition")
asked = [c for c in ("none", "shape:square:30:centre:still", "hide:actor:silhouette", "hide:actor:box", "hide:actor+prop:box@motion") if c in summary.index]
summary.loc[asked, ["n_clips", "acc", "acc_low", "acc_high", "confidence"]].rename(index=conditions.describe)

# %% [markdown]
# ## Percentage and shape
# **Expect** accuracy to fall with area, for every shape. **Ask** whether confidence falls with it: a model that is as sure of itself behind a
# black square as before is not one to trust.

# %%
shape = masking[(masking.condition.str.startswith("shape:") & ~masking.condition.str.contains("/")) | (masking.condition == "none")]
rows = stats.summarise(shape, by=["condition"])
rows["shape"] = rows.condition.str.split(":").str[1].fillna("none")
rows["percent"] = rows.condition.str.split(":").str[2].fillna(0).astype(float)
rows.pivot_table(index="shape", columns="percent", values="acc", aggfunc="mean").round(2)

# %% [markdown]
# ## Features and isolation, each against its control
# `effect` is accuracy under the mask minus accuracy under the same mask elsewhere, paired clip by clip; the interval resamples groups.
# Below zero: what was hidden mattered. Above zero for isolation: what was kept carries the answer.

# %%
pairs = {name: f"control:{name}" for name in plan if f"control:{name}" in plan}
effects = stats.compare(masking, pairs) if pairs else pd.DataFrame({"condition": []})
effects.assign(condition=effects.condition.map(conditions.describe))[["condition", "n_clips", "acc", "acc_baseline", "diff", "low", "high", "fixed", "broken", "p_holm"]].round(3)

# %% [markdown]
# ## A silhouette filled with black is still a silhouette
# It shows the action by its outline. The box hides the outline too; the clean plate (where the demo knows it) takes the actor away without leaving any black.

# %%
grains = [c for c in ("none", "hide:actor+prop:silhouette", "hide:actor+prop:box", "hide:actor+prop:plate", "keep:actor+prop:silhouette") if c in summary.index]
summary.loc[grains, ["n_clips", "acc", "acc_low", "acc_high", "confidence"]].rename(index=conditions.describe)

# %% [markdown]
# ## Is it the missing thing, or the black?
# Black edges are something new in the picture. The same masks, filled with the frame's mean colour, with its blur, and in black with a feathered edge:
# what all fills agree on is the missing thing, what only black does is an effect of black.

# %%
fills = [c for c in plan if c.partition("/")[0] in ("shape:square:30:centre:still", "hide:actor+prop:box", "hide:actor+prop:box@motion")]
summary.loc[fills, ["n_clips", "acc", "acc_low", "acc_high", "confidence"]].rename(index=conditions.describe)

# %% [markdown]
# ## Clips where hiding one thing flips the answer
# Found by the code: right when whole, right when as many pixels elsewhere are hidden, wrong and sure when the one thing is.

# %%
flips = experiments.flips(masking)
pictures.flips(study, test, flips)
plt.show()
flips.head(6)

# %% [markdown]
# ## What does each class lean on?
# `background`: what the place alone earns, with actor and prop gone. `actor`: what hiding them costs beyond the same boxes elsewhere. `flips`: answers that change
# when they go. `sure_wrong`: confidence of wrong answers; `sure_blind`: confidence when nobody is there. `into`: what the class becomes then.

# %%
bias = study.save("bias", experiments.bias(masking, study.classes))
bias.round(2) if len(bias) else "no region source of this profile can hide actor and prop"

# %% [markdown]
# ## Which class falls into which, and under which mask?
# Of the clips that were right when whole: a pair that dominates one mask is a bias, a pair that dominates all of them is where the model goes when it knows nothing.

# %%
falls = study.save("falls", experiments.falls(masking, study.classes))
falls[falls["of"] >= 5].assign(condition=lambda t: t["condition"].map(conditions.describe)).head(12).round(2)

# %% [markdown]
# ## How well does a region source without ground truth find the actor?
# Real videos have no exact masks. `motion` finds what moves; `relevance` asks CLIP itself. Where truth is known (the demo) both are scored against the true actor and
# prop, beside two that look at nothing. `pointing`: is the single most relevant pixel on them? `top20`: how much of the most relevant fifth is (they cover less
# than a fifth of the frame, so 1 is out of reach)?

# %%
scores = experiments.score_sources(study, test.iloc[:: max(1, len(test) // 112)])
study.save("region_scores", scores)
print(f"actor and prop cover {scores['area'].mean():.0%} of the frame" if len(scores) else "no ground truth in this data set: nothing to score against")
experiments.source_summary(scores).round(2)

# %% [markdown]
# ## Keep the pictures for the figures

# %%
(study.results / "masks").mkdir(exist_ok=True)
np.savez_compressed(study.results / "masks" / "gallery.npz", names=np.array(gallery.names), images=gallery.images)
strip = pictures.masked(study, example, ["none", *(f"shape:square:{p}:centre:still" for p in study.profile.masking.percents)])
np.savez_compressed(study.results / "masks" / "strip.npz", names=np.array(strip.names), images=strip.images)
