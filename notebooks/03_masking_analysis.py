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
# Three kinds of masks, in the paper's order. **Percentage and shape** masks hide a share of the frame, whatever it
# shows. **Feature-specific** masks hide one kind of thing everywhere it is. **Isolation** hides everything else.
#
# A mask that hides more costs more. To see the effect of *where* apart from the effect of *how much*, every region
# mask has a control, the same mask moved elsewhere in the same frame, and the effect that we report is the
# difference.
#
# *About four minutes on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import matplotlib.pyplot as plt

from clipaction.analysis import bias, sources
from clipaction.evaluate.summaries import compare, summarise
from clipaction.masking.conditions import describe
from clipaction.masking.plan import SQUARE, plan
from clipaction.notebook import pictures
from clipaction.study import open_study

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
# ## Predict, then measure
# Write your prediction down before you run the next cell. Which of these costs most accuracy: a black 30 % square in
# the middle, the actor's silhouette in black, or the actor's bounding box in black?

# %%
with study.timed("masking sweep", len(conditions) * len(test)):
    masking = study.evaluate(test, conditions, "masking", frames=False)
study.save("predictions/masking", masking)
summary = summarise(masking, by=["condition"]).set_index("condition")
columns = ["n_clips", "acc", "acc_low", "acc_high", "confidence"]
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
    columns_of_effects = [
        "condition",
        "n_clips",
        "acc",
        "acc_baseline",
        "diff",
        "low",
        "high",
        "fixed",
        "broken",
        "p",
    ]
    display(effects[columns_of_effects].round(3))
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
# Real videos have no exact masks. `motion` finds what moves; `relevance` asks CLIP itself. Where truth is known (the
# demo), both are scored against the true actor and prop, beside two baselines that do not look at the picture.
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
