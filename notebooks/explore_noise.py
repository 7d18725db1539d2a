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
# Choose a clip, a noise, and how strong it is. `anchored-class` (the headline) and `anchored` put one noise into the
# box of what moves, drawn faintly, and another one around it; `gated` and `shared` cover the whole frame. `class` adds
# the naive noise of the class that you name: try a *wrong* one and see how it changes the answer. Notebook 04 must have
# run for this profile.

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from IPython.display import display

from clipaction.notebook import explorers
from clipaction.study import open_study

study = open_study(profile, overrides)
explorer = explorers.noise_explorer(study)
display(explorer)

# %% [markdown]
# The same without widgets:

# %%
import matplotlib.pyplot as plt

explorers.draw_noisy(study, study.clips("test")["clip"][0], "anchored-class", strength=1.0)
plt.show()
