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
# # 05 · Does it carry over? Another domain, and the networks that the paper compares CLIP with
#
# Noise and networks are trained on the source domain (the demo: *home*) and tested on another one (the *ward*: high
# camera, dim or infra-red light, bed rails). Nothing is tuned there. The paper argues against networks that are
# trained on the clips alone; a frame CNN and a CNN + GRU stand for them.
#
# *About one minute on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import pandas as pd

from clipaction.analysis.transfer import evaluate_away, evaluate_networks
from clipaction.evaluate.summaries import summarise
from clipaction.noise.learning import load_learned
from clipaction.rivals.fitting import train_networks
from clipaction.study import open_study

study = open_study(profile, overrides)
train, val, test = (study.clips(split) for split in ("train", "val", "test"))
away = study.meta[study.meta["domain"] != study.source].reset_index(drop=True)
print(f"{len(train)} training clips in the source domain; {len(test)} test clips there, {len(away)} elsewhere")

# %% [markdown]
# ## CLIP, with and without noise, in the other domain
# All classes of that domain compete, also those that have no noise (the ward's clinical actions).

# %%
learned = load_learned(study)
if len(away):
    with study.timed("ward", len(away)):
        moved = evaluate_away(study, away, learned)
    study.save("predictions/ward", moved)
    shown = summarise(moved, by=["method", "condition"])
else:
    shown = pd.DataFrame({"note": ["this data set has one domain"]})
shown.round(3)

# %% [markdown]
# ## Networks trained on the same clips

# %%
if study.profile.baselines.enabled:
    with study.timed("baselines", len(train)):
        networks = train_networks(study, train, val)
    compared = study.save("predictions/baselines", evaluate_networks(study, networks, test, away))
    shown = summarise(compared, by=["domain", "method", "condition"])
shown.round(3)

# %% [markdown]
# **Read it.** Compare the drop from home to the other domain. A network that was right at home because of the scene
# has nothing to rely on in the other domain.
