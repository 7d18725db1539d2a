"""From results to the paper: what notebooks 01 to 05 wrote is drawn, printed, put on one page and compared.

results      a results folder, opened for reading: the only input of figures, tables and claims
selections   which rows an item uses, and in which order
scores       numbers that several items need: intervals, tests against no noise, attack rates
figures/     one file a figure (add one with @figure)
tables/      one file a table (add one with @table)
claims       the paper's claims, each a number with its interval
looks        colours and markers of methods, mask shapes and scenes
style        palette and Matplotlib settings
drawing      small helpers for axes, and how a figure is saved
typeset      numbers as text; tables as Markdown, LaTeX and CSV
records      what was made of which results: an item that is up to date is not made again
report       everything at once, and the page that holds it
verify       comparison with the published figures and tables
"""
