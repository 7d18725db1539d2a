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
# Everything later rests on this step: which clips there are, who tests and who trains, and the few frames of each clip that CLIP is shown.
# Each clip is decoded **once**; T frames at the centres of T equal segments are resized and cropped as the model's own preprocessing does,
# and kept as `uint8`. All masking happens later, on these frames.
#
# *Takes about three minutes on two cores the first time (the demo renders its videos), seconds after that.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import matplotlib.pyplot as plt
import pandas as pd

from clipaction import pictures
from clipaction.environment import describe
from clipaction.study import open_study

pd.Series(describe(), name="this machine").to_frame()

# %% [markdown]
# ## Find (or make) the clips, decode them
# A clip that cannot be read is listed, never silently dropped; the run stops only if a class is left empty or more than 5 % fail.

# %%
study = open_study(profile, overrides)
table = study.store.table.merge(study.dataset.table(), on="id")
print(study.dataset.note)
print(f"{len(table)} clips of {len(study.classes)} classes, {int((~table.ok).sum())} unreadable; frames {study.store.frames.shape} {study.store.frames.dtype}")

# %% [markdown]
# ## Who tests, who trains
# Clips of one *group* share people and place, so a group is never split over train and test, and error bars are drawn over groups.
# **Predict:** no group appears in two splits.

# %%
splits_of_a_group = table.groupby("group")["split"].nunique()
assert (splits_of_a_group == 1).all(), "a group leaks between splits"
table.pivot_table(index=["domain", "split"], columns="scene", values="id", aggfunc="count", fill_value=0, margins=True)

# %%
if study.profile.dataset.kind == "ucf101":
    from clipaction import ucf101

    print(ucf101.compare_with_lists(table, study.profile.dataset.splits[0]))

# %% [markdown]
# ## Look at them
# One test clip a class: the frames CLIP is shown, left to right in time. Could you name each action with the title covered?

# %%
pictures.contact_sheet(study, study.clips("test"), per_class=1)
plt.show()

# %% [markdown]
# The same classes after the move that will matter in notebook 05: another place, another camera, another light.

# %%
away = study.meta[study.meta["domain"] != study.source]
if len(away):
    pictures.contact_sheet(study, away.reset_index(drop=True), per_class=1)
    plt.show()
else:
    print("this data set has one domain only")

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
# ## Keep what later notebooks read

# %%
study.save("clips", table.drop(columns=["row", "indices"], errors="ignore"))
study.record("run", study.describe())
print(f"tau = {study.clip.tau:.4f}: a lead of {study.clip.tau:.4f} in cosine makes a class e times as probable")
