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
# **The question.** Noise and networks are trained on the source domain (the demo: *home*) and tested on another one
# (the *ward*: high camera, dim or infra-red light, bed rails). Nothing is tuned there. What is left of their accuracy?
# The paper argues against networks that are trained on the clips alone; a frame CNN, a CNN + GRU and a video backbone
# of torchvision, MC3-18, stand for them.
#
# **Afterwards you can** read a drop from one domain to another, and say how small a bias a measure can detect.
#
# **It needs** notebooks 01 to 04. *About three minutes on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import pandas as pd

from clipaction.analysis import dose, dose_response
from clipaction.analysis.exposure import note_exposure
from clipaction.analysis.transfer import evaluate_away, evaluate_networks
from clipaction.evaluate.summaries import summarise
from clipaction.noise.learning import load_learned
from clipaction.notebook.lessons import check, forecast_line
from clipaction.rivals.fitting import train_networks
from clipaction.study import open_study

print(forecast_line(profile, overrides, "05"))
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
    shown = shown[["method", "condition", "n_clips", "acc", "acc_low", "acc_high", "confidence", "nll", "ece"]]
else:
    shown = pd.DataFrame({"note": ["this data set has one domain"]})
shown.round(3)

# %% [markdown]
# ## Networks trained on the same clips
# They learn from the same views as noise and probe: another clip's scene behind the actor, black boxes, and the same
# validation clips choose the best pass, by the same cross-entropy. MC3-18 starts from Kinetics-400 where the profile
# asks for it and the weights can be had, else from scratch, on small frames and for a few passes. From scratch it
# learns next to nothing from so few clips, so it says little about video networks.
#
# **Predict:** which of `cnn`, `cnn-gru` and `mc3-18` is right most often at home, in the domain that it learned from?

# %%
guess = ""  # one of the three

# %%
# trained from the same clips, judged at home and away
if study.profile.baselines.enabled:
    with study.timed("baselines", len(train)):
        networks = train_networks(study, train, val)
    compared = study.save("predictions/baselines", evaluate_networks(study, networks, test, away))
    shown = summarise(compared, by=["domain", "method", "condition"])
    at_home = shown[(shown.domain == study.source) & (shown.condition == "none")].set_index("method")["acc"]
    print(check(guess, at_home, lowest=False))
scores = ["domain", "method", "condition", "n_clips", "acc", "acc_low", "acc_high", "confidence", "ece", "nll"]
shown[[name for name in scores if name in shown]].round(3)

# %% [markdown]
# **Read it.** Compare the drop from home to the other domain. A network that was right at home because of the scene
# has nothing to rely on in the other domain.
#
# The comparison is uneven all the same: CLIP was trained on far more pictures. What each method saw before it met the
# test clips:

# %%
if study.profile.baselines.enabled:
    seen = pd.Series(note_exposure(study, len(train), networks), name="seen").rename_axis("method").reset_index()
    shown = seen.groupby("seen", sort=False)["method"].agg(lambda names: ", ".join(names)).to_frame()
shown.style.set_properties(**{"white-space": "normal", "text-align": "left"})

# %% [markdown]
# ## A known dose of bias
# Do the measures of bias measure bias? Compact CLIPs with known doses of it are judged here on the same test clips.
# They were trained on the same images, which were only drawn with other frequencies: the dose is the share of images
# whose scene was made the action's own. All their captions are true. The study's own model stands beside them; its dose
# is not known. (`python -m clipaction.demo.train --dose 0.25` trains one.)
#
# Each measure at each dose, without noise:

# %%
if dose.has_doses(study):
    with study.timed("doses of bias", len(test) * (len(dose.DOSES) + 1)):
        judged = study.save("dose", dose.judge_doses(study, train, val, test))
    level, follows = dose_response.levels(judged), dose_response.response(judged)
    alone = level[level.method == "none"].pivot(index="measure", columns="model", values="value")
    shown = alone[level.model.unique()]
else:
    shown = pd.DataFrame({"note": ["there are no models with known doses that know these classes"]})
shown.round(3)

# %% [markdown]
# How each measure follows the dose: the correlation, the slope, and the smallest difference in dose that these clips
# detect with 80 % power (`detectable`).

# %%
if dose.has_doses(study):
    shown = follows[follows.method == "none"].set_index("measure")
    shown = shown[["pearson", "spearman", "slope", "low", "high", "detectable"]]
shown.round(2)

# %% [markdown]
# What do methods make of it? Each is learned anew for each model, with few steps; a good one has more accuracy and a
# smaller gap between the scenes.

# %%
if dose.has_doses(study):
    wanted = level[level.measure.isin(["accuracy", "background", "scene_gap"])]
    shown = wanted.pivot(index=["measure", "method"], columns="model", values="value")[level.model.unique()]
shown.round(3)

# %% [markdown]
# **Read it.** A measure is worth something if it follows the dose. A small `detectable` means that few clips are
# enough. Read the accuracies in the usual scene (`usual`) and with only actor and prop seen (`isolated`) beside them:
# the models should differ in what they lean on, and less in what they can.

# %% [markdown]
# ## What was found

# %%
if len(away):
    for name, rows in moved[moved.condition == "none"].groupby("method", sort=False):
        print(f"{name}: {(rows.pred == rows.label).mean():.1%} of {len(rows)} clips of the other domain")
if dose.has_doses(study):
    best = follows[follows.method == "none"].set_index("measure")["detectable"].dropna()
    if len(best):
        print(f"{best.idxmin()} detects the smallest difference in dose, {best.min():.0%} of the pictures.")
    else:
        print("No measure follows the dose clearly enough on so few clips.")

# %% [markdown]
# ## Exercises
# 1. How much does each network lose from home to the other domain?
# 2. Are the networks surer of wrong answers there than at home?
# 3. What is the slope of each measure of bias worth? Which measures rise with the dose, and which fall?
#
# <details><summary>Solutions</summary>
#
# ```python
# if study.profile.baselines.enabled and len(away):
#     whole = compared[compared.condition == "none"].assign(right=lambda t: t.pred == t.label)
#     print(whole.pivot_table(index="method", columns="domain", values="right").round(3))
# ```
#
# ```python
# if study.profile.baselines.enabled and len(away):
#     wrong = compared[(compared.condition == "none") & (compared.pred != compared.label)]
#     print(wrong.pivot_table(index="method", columns="domain", values="p_pred").round(3))
# ```
#
# ```python
# if dose.has_doses(study):
#     print(follows[follows.method == "none"].sort_values("slope")[["measure", "slope", "low", "high"]].round(2))
# ```
#
# </details>
#
# **Next:** notebook 06 puts everything into figures and judges the claims. On shifts of domain: Taori et al. 2020,
# arXiv:2007.00644.
