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
# A small perturbation a class, learned with CLIP frozen, is meant to make CLIP attend to what defines the class. The question that decides whether it
# is worth anything: **how does a clip whose class is unknown get its noise?** We tell it in order: the naive version and why it fools
# you; the version that needs no label; the controls; and a verdict computed from the numbers.
#
# *About six minutes on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import matplotlib.pyplot as plt
import pandas as pd

from clipaction import experiments, pictures, stats
from clipaction.study import open_study

study = open_study(profile, overrides)
clip, head, config = study.clip, study.head(), study.profile.noise
train, val, test = (study.clips(split) for split in ("train", "val", "test"))
data = experiments.training_frames(study, train)
experiments.assert_disjoint(train, val, test)
print(f"{len(train)} clips train ({len(data.labels)} frames), {len(val)} choose, {len(test)} test; eps {config.eps:g}/255, {config.steps} steps")

# %% [markdown]
# ## Train three noises
# *naive*: delta_c by cross-entropy on frames of class c, the plain reading of the paper (it converges soon: half the steps). *shared*: one noise for all classes, the
# control. *gated*: our version, told below. All learn from the same training clips, half of the views masked and, where truth is known, most with another clip's scene
# behind the actor; of each training the step that is best on the validation clips is kept.

# %%
with study.timed("embedding views", len(data.labels) * config.views, "frame"):
    views = experiments.embed_views(study, data, val)
gate = experiments.fit_gate(study, config, views)
live = pictures.LiveCurves()
with study.timed("noise trainings", 3, "training"):
    learned, curves = experiments.learn_all(study, data, val, gate, watch=live)
live.show(curves)
study.save("noise/curves", curves)
methods = experiments.protocols(study, learned, gate) | experiments.rivals(study, views)
named = lambda names, conditions: experiments.evaluate_methods(study, test, {n: methods[n] for n in names}, conditions)  # noqa: E731

# %% [markdown]
# ## The naive version
# Add the *true* class's noise at test time. It looks splendid...

# %%
first = named(["none", "naive-oracle"], ["none"])
marked = lambda rows: stats.summarise(rows, by=["method"]).assign(**{"uses the label": lambda t: t.method.isin(experiments.USES_LABEL)})  # noqa: E731
marked(first)[["method", "uses the label", "n_clips", "acc", "acc_low", "acc_high"]].round(3)

# %% [markdown]
# ...and is an illusion: the test handed the model the answer. Two checks. Without the label (*hypothesis*: try every class's noise, believe the best score)
# the gain must survive; and a noise that turns *other* classes' clips into its class is an adversarial patch, not attention.

# %%
without = named(["naive-hypothesis"], ["none"])
attack = study.save("noise/attack", experiments.attack_rates(study, test, learned))
print(marked(pd.concat([first, without]))[["method", "uses the label", "acc", "acc_low", "acc_high"]].round(3).to_string(index=False))
attack.groupby("variant")[["hits", "of"]].sum().assign(rate=lambda t: t.hits / t.of).round(3)

# %% [markdown]
# ## The version that needs no label
# x' = x + sum_c pi_c(x) delta_c: each frame's own clean features decide the mixture, through a gate pi. Two forwards a frame, trained end to end. The model's own
# posterior can be the gate (`noise.gate=posterior`), but it leans on the scene just as the answer does; a linear probe on the same frozen features, fitted to the
# training views, leans less. It saw labels of training clips, so the probe itself is a rival in the table: what noise adds must be read against it.

# %%
pictures.noises(learned["gated"], study.classes, config.eps / 255)
plt.show()

# %% [markdown]
# ## How the settings were chosen
# By a small search, made once, on the *demo's* validation clips (216 answers, frame by frame, with cross-entropy and hinge alone); test clips were not touched. *ce* is the
# cross-entropy over all three kinds of frames, the rest is accuracy, and the attack rate of a class's noise at full strength. The bold row, in 160 steps, is the demo's
# setting; larger batches are a little better and take twice as long.
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
# | gate learned with the noise, from the posterior on | 200 x 64 | 0.3 | 0.9 | 0 | 1.043 | 0.740 | 0.556 | 0.698 | |
# | gate: features | 200 x 64 | 0.3 | 0.9 | 0 | 1.022 | 0.809 | 0.538 | 0.736 | 0.179 |
# | gate: features, strong hinge | 200 x 64 | 0.3 | 0.9 | 0.5 | 1.150 | 0.767 | 0.465 | 0.649 | 0.016 |
# | **gate: features, weak hinge** | 300 x 64 | 0.15 | 0.9 | 0.03 | 1.021 | 0.816 | 0.521 | 0.733 | 0.072 |
# | the same, larger batches | 200 x 128 | 0.15 | 0.9 | 0.03 | 0.998 | 0.809 | 0.552 | 0.733 | 0.061 |
# | rival: tuned prompts | | | 0.5 | | 1.173 | 0.753 | 0.476 | 0.604 | |
# | rival: linear probe | | | 0.5 | | 0.865 | 0.868 | 0.500 | 0.795 | |
#
# The hinge is a trade: without it the noises push images towards their class, as a patch does.
#
# Tried and left out (by clips, not frames; none has ce 1.195, gate: features 0.952, gate: posterior 1.060): a posterior gate as sharp as T = 0.5 (1.053), and a second round,
# in which the noisy frame chooses its noise anew (features 0.936, posterior 1.089; one more forward a frame).
#
# **A class that training never saw.** CLIP needs no more than its name. To see whether noise carries over, a third of the classes was left out of training, three times
# over, while all twelve compete; below, the clips of the classes left out. Nothing is lost: they gain from the noises of the others, most with the posterior as the gate, which
# knows a new class by its text. To give the new class a noise of its own, mixed from the others' by the likeness of the texts, adds little.
#
# | noise | a new class wears | ce | whole | 30 % square | another's place |
# | --- | --- | --- | --- | --- | --- |
# | none | | 1.194 | 0.750 | 0.417 | 0.597 |
# | shared | the shared one | 1.118 | 0.750 | 0.500 | 0.694 |
# | gate: features | none | 1.113 | 0.736 | 0.472 | 0.653 |
# | gate: features | a mixture by text | 1.103 | 0.736 | 0.514 | 0.680 |
# | gate: posterior | none | 1.066 | 0.778 | 0.500 | 0.681 |
# | gate: posterior | a mixture by text | 1.053 | 0.778 | 0.486 | 0.694 |
#
# A low-rank bank (four noises for all classes, mixed by weights that are linear in the text and learned with them) did worse on new classes: ce 1.199, and none has 1.127,
# in one of the three divisions.

# %% [markdown]
# ## Beside every control
# The same clips, three conditions. Only two rows use the label, and they are marked: they bound what is possible and prove nothing.

# %%
tests = ["none", experiments.SQUARE, experiments.hidden_condition(study)]
with study.timed("noise protocols", len(test) * len(tests)):
    cheap = [m for m in methods if "hypothesis" not in m and "shortlist" not in m]
    slow = [m for m in methods if m not in cheap]
    results = pd.concat([named(cheap, tests), named(slow, ["none"])], ignore_index=True)
study.save("predictions/noise", results)
table = stats.summarise(results, by=["condition", "method"])
table["uses the label"] = table.method.isin(experiments.USES_LABEL)
table[table.condition == "none"].sort_values("acc", ascending=False)[["method", "uses the label", "n_clips", "acc", "acc_low", "acc_high", "confidence", "ece"]].round(3)

# %% [markdown]
# ## Is its confidence worth more?
# Confidence can be mended without touching the answers: one temperature a method, fitted on the validation clips. Those are few and shot in the training clips' places, and
# some of them chose the method's own settings: see in the last columns whether it carries over to test clips.

# %%
tempered = experiments.calibrated(study, {m: methods[m] for m in cheap if m not in experiments.USES_LABEL}, val)
calibrated = study.save("predictions/calibrated", experiments.evaluate_methods(study, test, tempered, ["none"], step="calibrated"))
after = stats.summarise(calibrated, by=["method"]).assign(temperature=lambda t: [tempered[m].keywords["temperature"] for m in t.method])
after = after.merge(table[table.condition == "none"][["method", "ece"]], on="method", suffixes=(" calibrated", ""))
after[["method", "temperature", "ece", "ece calibrated", "confidence"]].round(3)

# %% [markdown]
# ## Paired: what did it fix, what did it break?

# %%
label_free = results[~results.method.isin(experiments.USES_LABEL)]
paired = stats.compare(label_free, "none", on="method", by=["condition"])
paired.round(3)

# %% [markdown]
# Which classes win, which lose?

# %%
own = label_free[(label_free.condition == "none") & label_free.method.isin(["none", "gated"])]
stats.compare(own, "none", on="method", by=["cls"]).sort_values("diff", ascending=False)[["cls", "n_clips", "acc_baseline", "acc", "diff", "low", "high", "fixed", "broken"]].round(2)

# %% [markdown]
# ## Where does it look, before and after?
# Relevance (Chefer et al. 2021) of the frames towards their true class: the share that lies on actor and prop.

# %%
relevance = study.save("relevance", experiments.relevance_shares(study, test.iloc[:: max(1, len(test) // 96)], learned["gated"], gate))
relevance.groupby("method")["share"].agg(["count", "mean"]).round(3) if len(relevance) else "no regions known in this data set"

# %% [markdown]
# ## Ablation
# One thing changed at a time: a term of the loss, eps, the noise's resolution, the gate, the number of training clips. Few steps each and all rows alike, judged on
# validation clips: read differences to *all terms* (`change`, of the cross-entropy: above zero is worse), not heights.

# %%
with study.timed("ablation", config.ablation_steps, "step"):
    ablation = experiments.ablation(study, data, val, views) if config.ablation_steps else pd.DataFrame()
study.save("noise/ablation", ablation)
ablation.pivot_table(index=["setting", "change", "attack"], columns="condition", values="acc", sort=False).round(3) if len(ablation) else "made on demand: noise.ablation_steps=60"

# %% [markdown]
# ## Verdict, computed

# %%
for line in experiments.verdict(label_free):
    print(line)
