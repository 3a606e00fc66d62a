# syntax=docker/dockerfile:1.7
# Two targets, made by the same set-up and the same locks as `make demo`:
#   docker build --target cpu  --tag medley:cpu  .
#   docker build --target cuda --tag medley:cuda .
# Each puts the packages in a layer of their own, which only a new lock makes anew.

FROM python:3.11.14-slim-bookworm AS cpu
# libnuma1: vLLM on the CPU links it. g++: torch.compile builds its kernels with it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ libnuma1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/medley medley
ENV MEDLEY_HOME=/var/lib/medley \
    PATH=/opt/medley/.venv/bin:$PATH \
    UV_LINK_MODE=copy
WORKDIR /opt/medley
COPY setup setup
RUN --mount=type=cache,target=/root/.cache \
    python3 setup/bootstrap.py --device cpu --packages-only
COPY LICENSE README.md pyproject.toml ./
COPY clients clients
COPY registry registry
COPY server server
COPY training training
RUN python3 setup/bootstrap.py --device cpu
USER 10001
VOLUME /var/lib/medley
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["medley"]
CMD ["demo"]

FROM nvidia/cuda:13.0.2-runtime-ubuntu24.04 AS cuda
# g++ and python3-dev: Triton compiles its launchers with them when the engine starts.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/medley medley
ENV MEDLEY_HOME=/var/lib/medley \
    PATH=/opt/medley/.venv/bin:$PATH \
    UV_LINK_MODE=copy
WORKDIR /opt/medley
COPY setup setup
RUN --mount=type=cache,target=/root/.cache \
    python3 setup/bootstrap.py --device cuda --packages-only
COPY LICENSE README.md pyproject.toml ./
COPY clients clients
COPY registry registry
COPY server server
COPY training training
RUN python3 setup/bootstrap.py --device cuda
USER 10001
VOLUME /var/lib/medley
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["medley"]
CMD ["demo"]
