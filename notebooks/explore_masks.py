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
# # Explore masks
#
# Choose a clip and something to hide. On the left is the clip as it is, on the right what CLIP gets; under both, its
# five likeliest classes (the true one in orange). The line above says what changed.
#
# - **draw** paints a mask with the mouse. Kept under a name, it is a condition like any other.
# - **where it looks** lays relevance over both pictures.
# - **Predict, then measure** asks before it shows.
# - A sentence or a video of your own: in the page, or in one line each, below.
#
# The knobs need a running kernel: open this notebook in JupyterLab. What they do is one plain function call, shown in
# the last cell, and under "As code" for each setting.

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from clipaction.notebook import pictures
from clipaction.notebook.explorer import MaskExplorer
from clipaction.study import open_study

study = open_study(profile, overrides)
explorer = MaskExplorer(study)
explorer

# %% [markdown]
# Let a sentence compete with the classes, or open a video (both change the explorer above):
#
# ```python
# explorer.add_prompt("a photo of a person fencing.")
# explorer.add_video("clip.mp4")
# ```
#
# A shape of your own takes one decorated function; then it is in the menu:
#
# ```python
# from clipaction.masking.shapes import shape
#
# @shape("diamond")
# def diamond(grid):
#     v, u = grid.box(fill=0.5)
#     return abs(v) + abs(u)
# ```
#
# %% [markdown]
# The same without widgets:

# %%
import matplotlib.pyplot as plt

pictures.draw_masked(study, study.clips("test")["clip"][0], "shape:circle:30:centre:still")
plt.show()
