# The gateway as an image: Python's own slim image, and one virtual environment with the gateway in it.
#
#   docker build -t cors-gateway .
#   docker run -p 127.0.0.1:8080:8080 -e CORS_GATEWAY_UPSTREAM=http://host.docker.internal:5000 \
#     --add-host=host.docker.internal:host-gateway -e CORS_GATEWAY_ALLOW_ORIGINS=http://localhost:5173 cors-gateway
#
# Only what every builder knows is used (no RUN --mount, no here-documents), so that BuildKit, docker's
# older builder, podman and buildah make the same image. For one that never changes name the base by
# its digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim

# pip, the compiler, the sources and what building leaves behind stay in this stage.
FROM ${PYTHON_IMAGE} AS build
WORKDIR /build

# What a request runs through is compiled (hatch_build.py), unless --build-arg CORS_GATEWAY_COMPILE=0. Python's
# headers come with its own image; where Python is Debian's they are a package.
ARG CORS_GATEWAY_COMPILE=1
RUN if [ "$CORS_GATEWAY_COMPILE" != 0 ]; then \
      headers=$(python -c 'import sysconfig; print(sysconfig.get_path("include"))') \
   && apt-get update -q \
   && apt-get install -qy --no-install-recommends gcc libc6-dev $([ -e "$headers/Python.h" ] || echo python3-dev) \
   && rm -rf /var/lib/apt/lists/*; \
    fi

# Without a pip of its own: the base's pip fills it, and nothing in the result can install packages.
RUN python -m venv --without-pip /opt/cors-gateway

# Dependencies first, so that a change of the source does not install them again. The list is whole
# and exact, hence --no-deps. Only wheels: none of them is compiled, and no package's code runs, here.
COPY requirements-image.txt ./
RUN pip --python /opt/cors-gateway/bin/python install --no-cache-dir --no-compile --no-deps \
      --only-binary :all: -r requirements-image.txt

# `check` fails when the list lacks something that the gateway asks for. Bytecode is compiled at the
# end, for all at once: a read-only root could not keep it, and every start would compile again.
# unchecked-hash, because nothing here changes: no file's time is in it, and none is looked at. -f,
# because pip has come across some of the packages itself, and left bytecode with times.
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY cors_gateway ./cors_gateway
RUN pip wheel --no-cache-dir --no-deps --wheel-dir dist . \
 && pip --python /opt/cors-gateway/bin/python install --no-cache-dir --no-compile --no-deps dist/*.whl \
 && pip --python /opt/cors-gateway/bin/python check \
 && python -m compileall -qf --invalidation-mode unchecked-hash /opt/cors-gateway/lib


FROM ${PYTHON_IMAGE}

# The base comes without bytecode for the standard library, which costs every start and every health
# check. And with pip, which is not needed here and which scanners report.
RUN stdlib=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
 && pip=$(python -c 'import pip; print(pip.__path__[0])') \
 && rm -rf "$pip" "$pip"-*.dist-info "$stdlib"/ensurepip /usr/local/bin/pip* \
 && python -m compileall -q --invalidation-mode unchecked-hash "$stdlib"

COPY --from=build /opt/cors-gateway /opt/cors-gateway
ENV PATH="/opt/cors-gateway/bin:${PATH}"

# Not a folder in which somebody might mount a project: `run` looks for ./cors-gateway.yaml and
# ./config/gateway.yaml. The place for a configuration is /etc/cors-gateway, mounted as a directory;
# the image brings none, because a file and routes from the environment exclude each other.
WORKDIR /

# Numbers, because Kubernetes' runAsNonRoot cannot look up names; 65532 is what images without a shell
# have made usual. It owns nothing: the gateway writes no file, so the root may be read-only.
USER 65532:65532

# The admin listener (9901) is on loopback unless told otherwise, so there is nothing to expose.
EXPOSE 8080

# Asks the admin listener's /readyz, from inside. No --start-interval: Docker before 25 and Debian 12's
# podman refuse to build with it, and Docker since 25 looks every 5 s in the start period anyway.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["cors-gateway", "healthcheck"]

# TERM drains: no connections any more, requests in progress get 7 s, then exit status 0.
STOPSIGNAL SIGTERM

# No shell and no script in between: the gateway is process 1, gets the signals itself, and waits for
# every process that it starts.
ENTRYPOINT ["cors-gateway"]
CMD ["run"]

# Last, because they change with every commit.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cors-gateway" \
      org.opencontainers.image.description="A reverse proxy that gives APIs you cannot change the CORS policy that browsers need." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
