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
# # 05 · Does it travel? Another domain, and the networks CLIP is said to beat
#
# Noise and baselines are trained at the source (the demo: *home*) and tested elsewhere (the *ward*: high camera, dim or infra-red light, bed rails). Nothing
# is tuned there. The paper argues against networks trained on the clips alone; a frame CNN and a CNN+GRU stand for them.
#
# *About two minutes on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import pandas as pd

from clipaction import experiments, stats
from clipaction.study import open_study

study = open_study(profile, overrides)
train, val, test = (study.clips(split) for split in ("train", "val", "test"))
away = study.meta[study.meta["domain"] != study.source].reset_index(drop=True)
print(f"{len(train)} training clips at the source; {len(test)} test clips there, {len(away)} elsewhere")

# %% [markdown]
# ## CLIP, with and without noise, away from home
# All classes of the other domain compete, also those that have no noise (the ward's clinical actions).

# %%
learned = experiments.load_learned(study)
if len(away):
    with study.timed("ward", len(away)):
        moved = experiments.evaluate_away(study, away, learned)
    study.save("predictions/ward", moved)
    shown = stats.summarise(moved, by=["method", "condition"])
else:
    shown = pd.DataFrame({"note": ["this data set has one domain"]})
shown.round(3)

# %% [markdown]
# ## Networks trained on the same clips

# %%
if study.profile.baselines.enabled:
    with study.timed("baselines", len(train)):
        rivals = experiments.train_baselines(study, train, val)
    compared = study.save("predictions/baselines", experiments.evaluate_baselines(study, rivals, test, away))
    shown = stats.summarise(compared, by=["domain", "method", "condition"])
shown.round(3)

# %% [markdown]
# **Read it.** Compare the drop from home to the other domain. A network that was right at home for the scene's sake has nothing to hold on to there.
