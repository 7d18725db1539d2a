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
# **The question.** What is claimed, and what holds? No model and no video here: only the tidy tables that notebooks 01
# to 05 wrote under `results/`. Each figure is written as PNG, PDF and the CSV of what is drawn; each table as CSV,
# Markdown and LaTeX; and all of them as one page, `figures/<profile>/report/index.html`. An item is made again only if
# what it reads, or its own code, has changed.
#
# **Afterwards you can** find the number behind every sentence of the paper, and say why a p value is corrected.
#
# **It needs** notebooks 01 to 05. *About half a minute.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import pandas as pd
from IPython.display import Image, display

from clipaction.base.paths import figures_dir
from clipaction.notebook.lessons import forecast_line
from clipaction.paper.claims import answer
from clipaction.paper.report import make_all
from clipaction.paper.verify import verify
from clipaction.profiles import load_profile

print(forecast_line(profile, overrides, "06"))
settings = load_profile(profile, overrides)
made = make_all(settings)
print(f"{len(made)} files in {figures_dir(settings).name}/")

# %% [markdown]
# ## What is claimed, and what was found
# The claims stand in `clipaction/paper/claims.yaml`. A *primary* one holds only if its whole interval lies on the
# expected side and its p, by groups and corrected after Holm, is below 0.05. *said_by* tells the paper's own claims
# from ours. One run is one draw of people, places and trainings; `./run_all.sh --seeds 3,4,5` judges three together, on
# clips that nothing was developed on.

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

# %% [markdown]
# ## What was found

# %%
primary = found[found.family == "primary"]
print("; ".join(f"{verdict}: {len(rows)}" for verdict, rows in primary.groupby("verdict")), "of the primary claims.")

# %% [markdown]
# ## Exercises
# 1. Which primary claim would hold if p were not corrected for their number?
# 2. Which exploratory claim lies farthest from its boundary, in units of the width of its interval?
# 3. Holm's correction by hand: sort the primary p values; multiply the smallest by their number, the next by one less,
#    and so on; never let one be smaller than the one before.
#
# <details><summary>Solutions</summary>
#
# ```python
# print(primary.loc[(primary.p < 0.05) & (primary.p_holm >= 0.05), ["claim", "p", "p_holm"]])
# ```
#
# ```python
# ours = found[found.family == "exploratory"]
# far = (ours.value - ours.against.fillna(0)).abs() / (ours.high - ours.low)
# print(ours.loc[far.idxmax(), ["claim", "value", "low", "high"]])
# ```
#
# ```python
# p = primary.p.dropna().sort_values()
# by_hand = (p * list(range(len(p), 0, -1))).cummax().clip(upper=1)
# print((by_hand - primary.p_holm.loc[by_hand.index]).abs().max())
# ```
#
# </details>
