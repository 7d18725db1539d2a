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
# No model and no video here: only the tidy tables that notebooks 01 to 05 wrote under `results/`. Each figure is written as PNG, PDF and the CSV of what is
# drawn; each table as CSV, Markdown and LaTeX; and all of it as one page, `figures/<profile>/report/index.html`.
#
# *About half a minute.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
from IPython.display import Image, display

from clipaction import verify
from clipaction.config import load_profile
from clipaction.paths import figures_dir
from clipaction.report import make_all

settings = load_profile(profile, overrides)
made = make_all(settings)
print(f"{len(made)} files in {figures_dir(settings).name}/")

# %%
for path in sorted(figures_dir(settings).glob("fig*.png")):
    display(Image(path, width=760))

# %% [markdown]
# ## Does it agree with what was published?

# %%
verify.verify(settings)
