"""Data sets as lists of clips, and their frames.

Here are: what a clip and a data set are (`dataset`), one loader for each kind of data set (`demo_clips`, `folder`,
`ucf101`), decoding (`video`), resizing as the model wants it (`preprocess`), and the frame store (`store`,
`filling`). To add a data set, write one function with the decorator `dataset.dataset`. Nothing here knows of CLIP,
masks or noise.
"""
