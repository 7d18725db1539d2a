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
# Choose a clip, a way of using the noise and how strong it is. `class` adds the naive noise of whatever class you name: try a *wrong* one to see how it lies.
# Needs notebook 04 to have run for this profile.

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from IPython.display import display

from clipaction import widgets
from clipaction.study import open_study

study = open_study(profile, overrides)
explorer = widgets.noise_explorer(study)
display(explorer)

# %%
import matplotlib.pyplot as plt

widgets.draw_noisy(study, study.clips("test")["clip"][0], "gated", strength=1.0)
plt.show()
