"""Questions asked of predictions and noise, one a module.

bias         what each class leans on, what it is mistaken for, which clips one hidden thing flips
sources      how well region sources find the true actor and prop
attack       how often a class's noise turns other classes' clips into its own
attention    where relevance lies before and after noise
tempering    confidence at a temperature fitted on validation clips
ablation     one thing changed at a time in the training of noise
search       the settings that every noise was given to try
unseen       classes that are left out of training
harmonic     accuracy on base and on novel classes, and their harmonic mean
transfer     methods and networks on another domain
exposure     how much each method saw before the test clips
dose         models with known doses of scene bias, judged like a study's own
dose_response  whether measures follow the dose, and how small a difference they detect
"""
