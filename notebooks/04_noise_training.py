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
# # 04 · Class-specific noise, and its controls
#
# A small perturbation for each class is learned while CLIP stays frozen. It is meant to make CLIP attend to what
# defines the class. One question decides whether it is worth anything: **how does a clip whose class is unknown get
# its noise?** This notebook goes in order: the naive version, and why it misleads; the version that needs no label;
# the controls; and a verdict computed from the numbers.
#
# *About five minutes on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import matplotlib.pyplot as plt
import pandas as pd

from clipaction import rivals
from clipaction.analysis import ablation, attack, attention, tempering
from clipaction.analysis.verdicts import verdicts
from clipaction.evaluate.judge import evaluate_methods
from clipaction.evaluate.methods import find_method
from clipaction.evaluate.summaries import compare, summarise
from clipaction.masking.plan import SQUARE, hidden_condition
from clipaction.noise import learning, protocols, views
from clipaction.notebook import pictures
from clipaction.notebook.curves import LiveCurves
from clipaction.study import open_study

study = open_study(profile, overrides)
clip, head, config = study.clip, study.head(), study.profile.noise
train, val, test = (study.clips(split) for split in ("train", "val", "test"))
views.check_disjoint(train, val, test)
data = views.training_frames(study, train)
print(
    f"{len(train)} clips for training ({len(data.labels)} frames), {len(val)} for validation, {len(test)} for testing"
)
print(f"eps {config.eps:g}/255, {config.steps} steps")

# %% [markdown]
# ## Train three noises
# *naive*: delta_c by cross-entropy on frames of class c, the plain reading of the paper (it converges in half of the
# steps). *shared*: one noise for all classes, the control. *gated*: our version, explained below. All learn from the
# same training clips. Half of the views are masked and, where truth is known, most have another clip's scene behind
# the actor. Of each training, the step that is best on the validation clips is kept.

# %%
with study.timed("embedding views", len(data.labels) * config.views, "frame"):
    embedded = views.embed_views(study, data, val)
    gate = learning.fit_gate(study, config, embedded)
live = LiveCurves()
with study.timed("noise trainings", 3, "training"):
    learned, curves = learning.learn_all(study, data, val, gate, watch=live)
live.show(curves)
study.save("noise/curves", curves)
setup = learning.setup_of(study, learned, gate)
methods = protocols.build_protocols(setup) | rivals.build_rivals(study, embedded)

# %% [markdown]
# ## The naive version
# Add the *true* class's noise at test time. The result looks excellent...

# %%
naive = evaluate_methods(study, test, {name: methods[name] for name in ("none", "naive-oracle")}, ["none"])
with_label = summarise(naive, by=["method"])
with_label["uses the label"] = [find_method(name).uses_label for name in with_label.method]
columns = ["method", "uses the label", "n_clips", "acc", "acc_low", "acc_high"]
with_label[columns].round(3)

# %% [markdown]
# ...but the test was given the answer. Two checks. First, without the label (*hypothesis*: try every class's noise
# and take the class with the highest score), the gain must remain. Second, a noise that turns *other* classes' clips
# into its class is an adversarial patch, not attention; the *attack rate* is the share of such clips.

# %%
without = evaluate_methods(study, test, {"naive-hypothesis": methods["naive-hypothesis"]}, ["none"])
attacks = study.save("noise/attack", attack.attack_rates(study, test, learned))
print(
    summarise(without, by=["method"])[["method", "n_clips", "acc", "acc_low", "acc_high"]]
    .round(3)
    .to_string(index=False)
)
attack.total_rates(attacks).round(3)

# %% [markdown]
# ## The version that needs no label
# x' = x + sum_c pi_c(x) delta_c: each frame's own clean features decide the mixture, through a gate pi. It takes two
# forward passes a frame, and noise and mixture are trained together. The gate can be the model's own posterior
# (`noise.gate=posterior`), but that depends on the scene just as the answer does. A linear probe on the same frozen
# features, fitted to the training views, depends on it less. The probe saw labels of training clips, so it is itself
# a rival in the table: what noise adds must be compared with it.

# %%
pictures.noises(learned["gated"], study.classes, config.eps / 255)
plt.show()

# %% [markdown]
# ## How the settings were chosen
# By a small search, made once, on the *demo's* validation clips (216 answers, frame by frame, with cross-entropy and
# hinge alone). Test clips were not used. *ce* is the cross-entropy over all three kinds of frames; the other columns
# are accuracy, and the attack rate of a class's noise at full strength. The bold row, with 160 steps, is the demo's
# setting. Larger batches are a little better and take twice as long.
#
# | noise | steps x batch | rate | scenes swapped | hinge | ce | whole | 30 % square | another's place | attack |
# | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
# | none | | | | | 1.234 | 0.747 | 0.438 | 0.573 | 0.024 |
# | shared | 200 x 64 | 0.3 | 0.5 | | 1.110 | 0.757 | 0.538 | 0.639 | |
# | shared | 300 x 64 | 0.15 | 0.9 | | 1.075 | 0.760 | 0.538 | 0.691 | |
# | gate: posterior | 200 x 64 | 0.3 | 0.5 | 0 | 1.147 | 0.767 | 0.535 | 0.642 | |
# | the same, noise of 8 x 8 | 200 x 64 | 0.3 | 0.5 | 0 | 1.155 | 0.774 | 0.479 | 0.608 | |
# | the same, more scenes swapped | 200 x 64 | 0.3 | 0.9 | 0 | 1.082 | 0.753 | 0.528 | 0.715 | |
# | the same, shifted and recoloured views | 200 x 64 | 0.3 | 0.9 | 0 | 1.140 | 0.733 | 0.476 | 0.667 | |
# | gate: posterior, strong hinge | 300 x 64 | 0.3 | 0.9 | 0.3 | 1.095 | 0.795 | 0.497 | 0.694 | 0.006 |
# | gate learned with the noise, starting from the posterior | 200 x 64 | 0.3 | 0.9 | 0 | 1.043 | 0.740 | 0.556 | 0.698 | |
# | gate: features | 200 x 64 | 0.3 | 0.9 | 0 | 1.022 | 0.809 | 0.538 | 0.736 | 0.179 |
# | gate: features, strong hinge | 200 x 64 | 0.3 | 0.9 | 0.5 | 1.150 | 0.767 | 0.465 | 0.649 | 0.016 |
# | **gate: features, weak hinge** | 300 x 64 | 0.15 | 0.9 | 0.03 | 1.021 | 0.816 | 0.521 | 0.733 | 0.072 |
# | the same, larger batches | 200 x 128 | 0.15 | 0.9 | 0.03 | 0.998 | 0.809 | 0.552 | 0.733 | 0.061 |
# | rival: tuned prompts | | | 0.5 | | 1.173 | 0.753 | 0.476 | 0.604 | |
# | rival: linear probe | | | 0.5 | | 0.865 | 0.868 | 0.500 | 0.795 | |
#
# The hinge is a trade: without it, a class's noise pushes images towards its class, as a patch does.
#
# Tried and left out (by clips, not frames; none has ce 1.195, gate: features 0.952, gate: posterior 1.060): a sharper
# posterior gate with T = 0.5 (1.053), and a second round, in which the features of the noisy frame decide a second
# mixture (features 0.936, posterior 1.089; one more forward pass a frame).
#
# **A class that was not in training.** CLIP needs only its name. To see whether noise carries over, a third of the
# classes was left out of training, three times, while all twelve compete. The table shows the clips of the classes
# that were left out. Nothing is lost: they gain from the noises of the other classes, most with the posterior as the
# gate, which knows a new class by its text. A noise for the new class, mixed from the others' by the similarity of
# their texts, adds little.
#
# | noise | noise of a new class | ce | whole | 30 % square | another's place |
# | --- | --- | --- | --- | --- | --- |
# | none | | 1.194 | 0.750 | 0.417 | 0.597 |
# | shared | the shared noise | 1.118 | 0.750 | 0.500 | 0.694 |
# | gate: features | none | 1.113 | 0.736 | 0.472 | 0.653 |
# | gate: features | a mixture by text | 1.103 | 0.736 | 0.514 | 0.680 |
# | gate: posterior | none | 1.066 | 0.778 | 0.500 | 0.681 |
# | gate: posterior | a mixture by text | 1.053 | 0.778 | 0.486 | 0.694 |
#
# A low-rank bank (four noises for all classes, mixed by weights that are linear in the text and learned with them)
# was worse on new classes: ce 1.199 in one of the three divisions, where none has 1.127.

# %% [markdown]
# ## Beside every control
# The same clips under three conditions. Two rows use the label and are marked. They show what is possible at best and
# prove nothing.

# %%
conditions = ["none", SQUARE, hidden_condition(study.profile, study.store.plates is not None)]
slow = [name for name in methods if find_method(name).slow]
fast = {name: methods[name] for name in methods if name not in slow}
with study.timed("noise protocols", len(test) * len(conditions)):
    parts = [evaluate_methods(study, test, fast, conditions)]
    parts.append(evaluate_methods(study, test, {name: methods[name] for name in slow}, ["none"]))
results = study.save("predictions/noise", pd.concat(parts, ignore_index=True))
table = summarise(results, by=["condition", "method"])
table["uses the label"] = [find_method(name).uses_label for name in table.method]
clean = table[table.condition == "none"].sort_values("acc", ascending=False)
clean[[*columns, "confidence", "ece"]].round(3)

# %% [markdown]
# ## Is confidence better calibrated?
# Confidence can be corrected without changing any answer: one temperature a method, fitted on the validation clips.
# These are few, they show the same places as the training clips, and some of them were used to choose the method's
# settings. The last columns show whether the temperature carries over to test clips.

# %%
label_free = {name: protocol for name, protocol in fast.items() if not find_method(name).uses_label}
tempered = tempering.calibrated(study, label_free, val)
calibrated = study.save("predictions/calibrated", evaluate_methods(study, test, tempered, ["none"], step="calibrated"))
after = summarise(calibrated, by=["method"])
after["temperature"] = [tempered[name].keywords["temperature"] for name in after.method]
after = after.merge(clean[["method", "ece"]], on="method", suffixes=(" calibrated", ""))
after[["method", "temperature", "ece", "ece calibrated", "confidence"]].round(3)

# %% [markdown]
# ## Paired: which answers became right, which became wrong?

# %%
honest = results[[not find_method(name).uses_label for name in results.method]]
compare(honest, "none", on="method", by=["condition"]).round(3)

# %% [markdown]
# Which classes gain, which lose?

# %%
own = honest[(honest.condition == "none") & honest.method.isin(["none", "gated"])]
by_class = compare(own, "none", on="method", by=["cls"]).sort_values("diff", ascending=False)
by_class[["cls", "n_clips", "acc_baseline", "acc", "diff", "low", "high", "fixed", "broken"]].round(2)

# %% [markdown]
# ## Where does CLIP look, before and after?
# Relevance (Chefer et al. 2021) of the frames towards their true class: the share that lies on actor and prop.

# %%
some = test.iloc[:: max(1, len(test) // 96)]
relevance = study.save("relevance", attention.relevance_shares(study, some, learned["gated"], gate))
relevance.groupby("method")["share"].agg(["count", "mean"]).round(3) if len(
    relevance
) else "no regions known in this data set"

# %% [markdown]
# ## Ablation
# One thing is changed at a time: a term of the loss, eps, the noise's resolution, the gate, the number of training
# clips. All rows have the same few steps and are judged on validation clips. Read the differences to *all terms*
# (`change`, of the cross-entropy: above zero is worse), not the absolute numbers.

# %%
with study.timed("ablation", config.ablation_steps, "step"):
    varied = ablation.ablation(study, data, val, embedded) if config.ablation_steps else pd.DataFrame()
study.save("noise/ablation", varied)
if len(varied):
    rows = ["setting", "change", "attack"]
    display(varied.pivot_table(index=rows, columns="condition", values="acc", sort=False).round(3))
else:
    print("made on demand: ./run_all.sh --from 04 --set noise.ablation_steps=40")

# %% [markdown]
# ## Verdict, computed

# %%
for line in verdicts(honest):
    print(line)
