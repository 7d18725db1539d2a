"""Class-specific noise: small perturbations, one a class, that make a frozen CLIP attend to what defines the class.

    parameters   what is learned: delta [C, 3, S, S], |delta| <= eps
    gates        how much of each class's noise a frame gets when its class is unknown
    protocols    ways to use noise, by name (add one with @protocol)
    losses       the terms of the loss
    frames       training frames, with scenes swapped and masked
    views        those frames embedded, and the validation clips
    objective    the loss on one batch
    training     the optimisation of one noise
    learning     the noises of a study, trained and kept by key
    files        noise as safetensors

Notation: f unit image embedding, t_c unit text prototype, s_c(x) = f(x).t_c, tau the model's temperature.
"""
