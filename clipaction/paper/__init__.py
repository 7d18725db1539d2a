"""From results to the paper: what notebooks 01 to 05 wrote is drawn, printed, put on one page and compared.

results      a results folder, opened for reading: the only input of figures, tables and claims
selections   which rows an item uses, and in which order
scores       numbers that several items need: intervals, tests against no noise, attack rates
figures/     one file a figure (add one with @figure)
tables/      one file a table (add one with @table)
claims       the claims of claims.yaml, measured and judged
claim_list   claims.yaml, opened and checked
claim_sides  which rows a claim compares, and how they are called
measures     a number a clip, and its mean difference with interval and p
findings     the block of findings in the README
looks        colours and markers of methods, mask shapes and scenes
style        palette and Matplotlib settings
drawing      small helpers for axes, and how a figure is saved
typeset      numbers as text; tables as Markdown, LaTeX and CSV
on_demand    tables that are made only when asked for
records      what was made of which results: an item that is up to date is not made again
report       everything at once, and the page that holds it
verify       comparison with the published figures and tables
comparison   two tables cell by cell
agreement    claims against the published ones: numbers, signs, verdicts
"""
