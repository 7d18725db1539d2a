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
# Turn the knobs: which clip, what is hidden, how much and where. Below the frames: what CLIP thinks of them, before and after.
# Everything the sliders do is one plain function call, shown in the last cell.

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from IPython.display import display

from clipaction import pictures, widgets
from clipaction.study import open_study

study = open_study(profile, overrides)
explorer = widgets.mask_explorer(study)
display(explorer)

# %% [markdown]
# The same without widgets:

# %%
import matplotlib.pyplot as plt

pictures.draw_masked(study, study.clips("test")["clip"][0], "shape:circle:30:centre:still")
plt.show()
