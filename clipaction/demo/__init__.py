"""The demo: synthetic action videos with exact ground truth, and the compact CLIP that is trained on captions of them.

Drawing, from shapes to scenes: `draw`, `figure`, `actions`, `scenery`, `things`, `scenes`, `overlay`, `portrait`.
The data set: `plan` (groups and splits), `render` (videos), `truth` (ground truth), `make` (a profile's clips).
The model: `tower` (architecture), `grammar` (captions), `samples` (training images), `batches`, `card`, `train`;
`dose` (models with a known scene bias, kept in doses/).
"""
