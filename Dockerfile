# Sievert with Ray, for heads, workers and the nightly run: docker build --build-arg FLAVOUR=cpu --tag sievert:0.1.0-cpu .
# FLAVOUR is cpu or cuda (PyTorch with CUDA's libraries; the node brings the driver). How: docs/kubernetes.md
ARG PYTHON=docker.io/library/python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${PYTHON} AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY sievert sievert
COPY serve serve
COPY pipelines pipelines
COPY cluster cluster
COPY models models
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM ${PYTHON} AS environment
ARG FLAVOUR=cpu
SHELL ["/bin/bash", "-o", "pipefail", "-euc"]
COPY --from=wheel /wheels /wheels
# the wheel by its file, which has its version: an index is never asked for a package of this name
# hadolint ignore=DL3013
RUN case "${FLAVOUR}" in \
      cpu) indexes=(--extra-index-url https://download.pytorch.org/whl/cpu) ;; \
      cuda) indexes=() ;; \
      *) echo "FLAVOUR is cpu or cuda, not ${FLAVOUR}" >&2; exit 2 ;; \
    esac; \
    wheel=$(echo /wheels/sievert-*.whl); \
    pip install --no-cache-dir --prefix /install "${indexes[@]}" "${wheel}[kubernetes,s3]"

FROM ${PYTHON}
ARG FLAVOUR=cpu
LABEL org.opencontainers.image.title="sievert" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.sievert.flavour="${FLAVOUR}"
# KubeRay asks a service's workers for their health with bash and wget; dciodvfy, for admit.conformance, is in dicom3tools.
# Versions are Debian stable's newest: it keeps no older ones that could be named.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bash dicom3tools wget \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 sievert \
    && useradd --uid 1000 --gid 1000 --create-home --shell /usr/sbin/nologin sievert
# into the interpreter's own prefix: `ray` is found by login shells too
COPY --from=environment /install /usr/local
# NVIDIA_VISIBLE_DEVICES is left to the device plugin: here it would open every GPU of a node to pods that asked for none
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0
WORKDIR /home/sievert
USER 1000:1000
ENTRYPOINT ["sievert"]
CMD ["--help"]
