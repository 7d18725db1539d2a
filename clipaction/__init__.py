"""clipaction: is CLIP looking at the action? Masks, isolation and class-specific noise on videos (arXiv:2507.18675).

The rooms of the house; each imports only from those above it.

    base        errors, files, registries, and how finished work is recognised
    demo        the rendered demo videos and the compact CLIP
    data        data sets, video decoding, the frame store
    vision      CLIP: loading, encoding, zero shot, relevance
    masking     masks, regions, conditions
    profiles    what a run can be told
    evaluate    methods x conditions x clips -> predictions, and statistics
    study       one profile's clips, frames and model, opened in one call
    noise       class-specific noise
    rivals      what the same labels buy without noise; networks
    analysis    questions asked of predictions and noise
    notebook    what notebooks show
    paper       figures, tables, claims, the report, and the comparison with the published ones
    run         the command line, the runner of notebooks, the records of finished work
"""

__version__ = "0.1.0"
