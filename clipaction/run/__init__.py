"""The command line and what it starts: notebooks, the check of the environment, the measurement of speed.

    cli          commands and exit codes
    arguments    what is asked for on the command line
    runner       which notebooks run, in which order
    records      which of them are finished and unchanged
    notebook     executes one notebook
    live         what is shown while it runs
    environment  the Python and the machine that it runs on
    tasks        what notebooks will ask for, in pieces that any machine can compute
    worker       does such tasks on another machine
    cluster      hands them out, with Dask; cluster_file describes one
    bench        the speed of the pipeline and of the bare encoder

`cli`, `arguments` and `environment` are imported before there is an environment. They need only Python's own
library.
"""
