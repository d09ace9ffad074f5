"""The program that runs next to the kernel: X server, window manager and RFB servers.

`python -m jupyter_xdisplay.sidecar`; see `program` for what it does and `http` for what it answers.
"""
