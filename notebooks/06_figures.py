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
# # 06 · Every figure and table
#
# No model and no video here: only the tidy tables that notebooks 01 to 05 wrote under `results/`. Each figure is
# written as PNG, PDF and the CSV of what is drawn; each table as CSV, Markdown and LaTeX; and all of them as one
# page, `figures/<profile>/report/index.html`. An item is made again only if what it reads, or its own code, has
# changed.
#
# *About half a minute.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from IPython.display import Image, display

from clipaction.base.paths import figures_dir
from clipaction.paper.report import make_all
from clipaction.paper.verify import verify
from clipaction.profiles import load_profile

settings = load_profile(profile, overrides)
made = make_all(settings)
print(f"{len(made)} files in {figures_dir(settings).name}/")

# %% [markdown]
# ## Look at the figures

# %%
for path in sorted(figures_dir(settings).glob("fig*.png")):
    display(Image(path, width=760))

# %% [markdown]
# ## Do they agree with what was published?

# %%
verify(settings)
