# A kernel's image: somebody's image, and what the kernel's side of this package needs on top.
# Built by `jupyter xdisplay kernel add`, which puts install/ and package/ beside it.
ARG BASE
FROM ${BASE}
# Who the base image runs as; root installs.
ARG BASE_USER=0
USER 0
COPY package/ /opt/jupyter-xdisplay/
COPY install/ /opt/jupyter-xdisplay/.install/
# One step, so that nothing which it removes stays in a layer; without the base image's own SHELL.
# The exit codes are those of kernel_install, which old Pythons cannot read.
RUN ["/bin/sh", "-c", "for python in python3 python; do if command -v $python > /dev/null; then $python -c 'import sys; print(sys.version); sys.exit(sys.version_info < (3, 10))' || exit 62; cd /opt/jupyter-xdisplay/.install && exec $python -m kernel_install; fi; done; exit 61"]
USER ${BASE_USER}
