"""The Jupyter Server extension.

`app` wires, the manager (`jupyter_xdisplay.runtime.manager`) owns the displays, `handlers` and
`tunnel` translate for browsers, `kernel_socket` for kernels, `kernels` follows their lives and
`stills` keeps a picture in saved notebooks.
"""
