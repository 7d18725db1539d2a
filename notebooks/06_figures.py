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
import pandas as pd
from IPython.display import Image, display

from clipaction.base.paths import figures_dir
from clipaction.paper.claims import answer
from clipaction.paper.report import make_all
from clipaction.paper.verify import verify
from clipaction.profiles import load_profile

settings = load_profile(profile, overrides)
made = make_all(settings)
print(f"{len(made)} files in {figures_dir(settings).name}/")

# %% [markdown]
# ## What is claimed, and what was found
# The claims stand in `clipaction/paper/claims.yaml`. A *primary* one holds only if its whole interval lies on the
# expected side and its p, by groups and corrected after Holm, is below 0.05. *said_by* tells the paper's own claims from
# ours. One run is one draw of people, places and trainings; `./run_all.sh --seeds 3,4,5` judges three
# together, on clips that nothing was developed on.

# %%
found = pd.read_csv(figures_dir(settings) / "claims.csv")
print(answer(found))
shown = ["claim", "said_by", "number", "value", "low", "high", "p"]
found.loc[found.family == "primary", [*shown, "p_holm", "verdict", "reason"]].round(3)

# %% [markdown]
# The others are exploratory: judged by their interval alone, and not corrected for their number.

# %%
found.loc[found.family == "exploratory", [*shown, "verdict", "reason"]].round(3)

# %% [markdown]
# ## Look at the figures

# %%
for path in sorted(figures_dir(settings).glob("fig*.png")):
    display(Image(path, width=760))

# %% [markdown]
# ## Do they agree with what was published?

# %%
verify(settings)
