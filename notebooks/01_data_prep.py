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
# # 01 · The clips, and what CLIP will see of them
#
# **The question.** Which clips are there, which are for training and which for testing, and what does CLIP see of them?
#
# Each clip is decoded **once**. T frames at the centres of T equal segments are resized and cropped exactly as the
# model's own preprocessing does it, and are kept as `uint8`. All masking happens later, on these frames.
#
# **Afterwards you can** say why clips of one group must stay together, and pick the frames of a clip by hand.
#
# **It needs** nothing. *About a minute and a half on two cores the first time (the demo renders its videos), seconds
# after that.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import matplotlib.pyplot as plt
import pandas as pd

from clipaction.data.video import LONG, decode
from clipaction.notebook import pictures
from clipaction.notebook.lessons import forecast_line
from clipaction.run.environment import describe
from clipaction.study import open_study

print(forecast_line(profile, overrides, "01"))
pd.Series(describe(), name="this machine").to_frame()

# %% [markdown]
# ## Find (or make) the clips, decode them
# A clip that cannot be read is listed, never silently dropped. The run stops only if a class has no clip left or more
# than 5 % fail.

# %%
study = open_study(profile, overrides)
study.record("environment", describe())
table = study.store.table.merge(study.dataset.table(), on="id")
frames = study.store.frames
print(study.dataset.note)
print(
    f"{len(table)} clips of {len(study.classes)} classes, {int((~table.ok).sum())} unreadable;",
    f"frames {frames.shape} {frames.dtype}",
)

# %% [markdown]
# ## Which clips are for training, which for testing
# Clips of one *group* show the same people and the same place. A group is therefore never split over training and
# test, and error bars are computed over groups. **Predict:** no group appears in two splits.

# %%
splits_of_a_group = table.groupby("group")["split"].nunique()
assert (splits_of_a_group == 1).all(), "a group is in two splits"
table.pivot_table(index=["domain", "split"], columns="scene", values="id", aggfunc="count", fill_value=0, margins=True)

# %% [markdown]
# For UCF-101, the splits follow from the clips' names. Here they are compared with the official lists.

# %%
if study.profile.dataset.kind == "ucf101":
    from clipaction.data import ucf101

    print(ucf101.compare_with_lists(table, study.profile.dataset.splits[0]))

# %% [markdown]
# ## Look at them
# One test clip of each class: the frames that CLIP gets, left to right in time. Could you name each action with the
# title covered?

# %%
pictures.contact_sheet(study, study.clips("test"), per_class=1)
plt.show()

# %% [markdown]
# The same classes in the domain of notebook 05: another place, another camera, other light.

# %%
away = study.meta[study.meta["domain"] != study.source]
if len(away):
    pictures.contact_sheet(study, away.reset_index(drop=True), per_class=1)
    plt.show()
else:
    print("this data set has one domain only")

# %% [markdown]
# ## Which frames, by hand
# The clip is cut into T equal segments, and the frame in the middle of each is taken: the i-th is number
# floor((i + 1/2) n / T) of n frames.

# %%
clip = table[table.ok].iloc[0]
path = next(each.path for each in study.dataset if each.id == clip.id)
n, T = clip.n_frames, study.profile.frames
chosen, taken = [int((i + 0.5) * n / T) for i in range(T)], decode(path, T).indices.tolist()
assert chosen == taken or n * clip.width * clip.height > LONG  # what the package takes; of long videos, frames nearby
print(f"of the {n} frames of {clip.id}: {chosen}")

# %% [markdown]
# ## Length and size

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained")
axes[0].hist(table.n_frames / table.fps.clip(lower=1), bins=20, color="0.6")
axes[0].set(xlabel="length of a clip (s)", ylabel="clips")
sizes = table[table.ok].groupby(["width", "height"]).size()
axes[1].barh([f"{w} x {h}" for w, h in sizes.index], sizes.values, color="0.6")
axes[1].set(xlabel="clips", ylabel="pixels")
plt.show()
failed = table.loc[~table.ok | (table.reason != ""), ["id", "ok", "reason"]]
print("nothing failed" if failed.empty else failed.to_string(index=False))

# %% [markdown]
# ## Save what later notebooks read

# %%
study.save("clips", table.drop(columns=["row", "indices"], errors="ignore"))
study.record("run", study.describe())
print(f"tau = {study.clip.tau:.4f}: a lead of {study.clip.tau:.4f} in cosine makes a class e times as probable")

# %% [markdown]
# ## What was found

# %%
home = table[table.ok & (table.domain == study.source)]
counts = home.groupby("split")["id"].count()
print(f"{', '.join(f'{number} clips to {name}' for name, number in counts.items())}, in {home.group.nunique()} groups.")
print(f"A clip lasts {(table.n_frames / table.fps.clip(lower=1)).median():.1f} s; CLIP sees {T} frames of it.")

# %% [markdown]
# ## Exercises
# 1. How many test clips has each class, and in how many groups?
# 2. What share of a wide frame does the square crop lose?
# 3. Suppose clips were split at random, not by groups. How many test clips would have a clip of their own group in
#    training?
#
# <details><summary>Solutions</summary>
#
# ```python
# print(home[home.split == "test"].groupby("cls").agg(clips=("id", "count"), groups=("group", "nunique")))
# ```
#
# ```python
# print(1 - home[["width", "height"]].min(axis=1).pow(2).div(home.width * home.height).mean())
# ```
#
# ```python
# mixed = home.assign(split=home.split.sample(frac=1, random_state=0).to_numpy())
# seen = set(mixed.loc[mixed.split == "train", "group"])
# print(mixed.loc[mixed.split == "test", "group"].isin(seen).mean())
# ```
#
# </details>
#
# **Next:** notebook 02 asks CLIP to name the actions. On groups and splits: Soomro et al. 2012, arXiv:1212.0402.
