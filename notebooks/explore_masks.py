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
# Choose a clip, what is hidden, how much of it and where. Below the masked frames you see CLIP's answer. Everything
# that the knobs do is one plain function call, shown in the last cell.

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from IPython.display import display

from clipaction.notebook import explorers, pictures
from clipaction.study import open_study

study = open_study(profile, overrides)
explorer = explorers.mask_explorer(study)
display(explorer)

# %% [markdown]
# The same without widgets:

# %%
import matplotlib.pyplot as plt

pictures.draw_masked(study, study.clips("test")["clip"][0], "shape:circle:30:centre:still")
plt.show()
