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
# # Explore the noise
#
# Choose a clip, a noise, and how strong it is. From left to right: the clip as it is, the noise alone, and what CLIP
# gets. `anchored, class-specific` (the headline) and `anchored` put one noise into the box of what moves, which is
# outlined, and another one around it; `gated` and `shared` cover the whole frame. `one class's` adds the naive noise of
# the class that you name: try a *wrong* one, and see how it changes the answer.
#
# Below, every protocol's answer to the same clip, and a button that trains a small noise while you watch the
# cross-entropy of validation frames in other scenes.
#
# Notebook 04 must have run for this profile, and the knobs need a running kernel: open this notebook in JupyterLab.

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from clipaction.notebook import pictures
from clipaction.notebook.explorer import NoiseExplorer
from clipaction.notebook.explorer.noises import noisy_frames
from clipaction.study import open_study

study = open_study(profile, overrides)
explorer = NoiseExplorer(study)
explorer

# %% [markdown]
# The same without widgets:

# %%
import matplotlib.pyplot as plt

clip = study.clips("test").iloc[0]
frames, boxes, _ = noisy_frames(study, explorer.setup, study.store.get([clip["row"]])[0], "anchored-class")
pictures.judged(study, frames, f"{clip['cls']} · anchored, class-specific", boxes)
plt.show()
