"""`jupyter xdisplay setup`: what is missing, and the packages that bring it.

`parts` is the data, `probe` looks, `plan` decides (pure), `command` asks and runs.
"""
