# The sidecar of a display: Xvfb, openbox, software OpenGL, and the program that runs them.
# Built by `jupyter xdisplay image build`, which puts wheels/, ca/ and this package beside it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
ARG DEBIAN_FRONTEND=noninteractive
ARG PIP_OPTIONS=
COPY ca/ /usr/local/share/ca-certificates/
# Documentation and translations would be a fifth of it.
RUN printf 'path-exclude=/usr/share/%s/*\n' doc man locale info > /etc/dpkg/dpkg.cfg.d/small \
    && apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates \
    && update-ca-certificates \
    && apt-get install -y -qq --no-install-recommends \
        xvfb openbox libgl1-mesa-dri fonts-dejavu-core python3 python3-numpy python3-pip \
    && fc-cache
COPY requirements.txt /tmp/requirements.txt
COPY wheels/ /tmp/wheels/
# By its own Python's bytecode: a read-only image can write none, and a start would take seconds.
RUN PIP_CERT=/etc/ssl/certs/ca-certificates.crt pip install --quiet --no-cache-dir \
        --root-user-action ignore --disable-pip-version-check --target /opt/jupyter-xdisplay \
        --no-deps ${PIP_OPTIONS} -r /tmp/requirements.txt \
    && find /opt/jupyter-xdisplay /usr/lib/python3/dist-packages/numpy -depth -type d \
        '(' -name tests -o -name f2py -o -name distutils ')' -exec rm -r {} + \
    && rm -rf /opt/jupyter-xdisplay/bin
COPY jupyter_xdisplay/ /opt/jupyter-xdisplay/jupyter_xdisplay/
RUN python3 -m compileall -q /opt/jupyter-xdisplay \
    && apt-get purge -y -qq --auto-remove python3-pip \
    # What openbox's library of pictures could load: PostScript, HEIF, JPEG XL. 80 MB.
    && dpkg-query -W -f '${Package}\n' 'libgs*' 'libspectre*' 'libheif*' 'libx265*' 'libde265*' \
        'libaom*' 'libdav1d*' 'libjxl*' 'libhwy*' 'poppler-data' 'fonts-urw*' 2>/dev/null \
        | xargs dpkg --purge --force-depends \
    && rm -rf /tmp/* /root/.cache /var/cache/* /var/lib/apt/lists/* /var/log/* \
        /usr/share/doc /usr/share/man /usr/share/locale /usr/share/info /usr/share/mime \
        /usr/include /usr/lib/python3/dist-packages/setuptools* \
        /usr/lib/python3/dist-packages/pkg_resources \
    && fc-cache && chmod 1777 /tmp \
    # A process whose program its user cannot read is not open to others of that user (execve(2),
    # PR_SET_DUMPABLE): a kernel shares user and PIDs, and must not get in by /proc/PID/root.
    && find /bin/ /sbin/ /usr/bin /usr/sbin -type f -perm /111 -exec sh -c \
        'for file; do head -c 4 "$file" | grep -q ELF && chmod 0111 "$file"; done; true' - {} +

# Without what was removed.
FROM scratch
COPY --from=build / /
ENV PYTHONPATH=/opt/jupyter-xdisplay HOME=/tmp LANG=C.UTF-8
USER 65534:65534
ENTRYPOINT ["python3", "-m", "jupyter_xdisplay.sidecar.process_one"]
