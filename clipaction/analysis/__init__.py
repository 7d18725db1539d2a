"""Questions asked of predictions and noise, one a module.

bias         what each class leans on, what it is mistaken for, which clips one hidden thing flips
sources      how well region sources find the true actor and prop
attack       how often a class's noise turns other classes' clips into its own
attention    where relevance lies before and after noise
tempering    confidence at a temperature fitted on validation clips
ablation     one thing changed at a time in the training of noise
transfer     methods and networks on another domain
verdicts     what the intervals say, in words
"""
