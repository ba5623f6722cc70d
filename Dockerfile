# The action's image: everything that a job pulls, and nothing else. No USER, no WORKDIR, no shell in the entry points: the
# runner mounts the workspace as root, sets the working directory itself, and sends signals to process 1 (GitHub's
# documentation on Dockerfiles for actions).
FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285 AS build

ARG SOURCE_DATE_EPOCH=0

# Not pinned: Debian keeps the newest version of a package alone. Which one it was is in the image's records.
# hadolint ignore=DL3008,DL3009
RUN ["apt-get", "update"]
# hadolint ignore=DL3008,DL3059
RUN ["apt-get", "install", "--yes", "--no-install-recommends", "busybox-static"]

# An environment of its own, without pip: what else is on the base's path cannot be imported from it.
# hadolint ignore=DL3059
RUN ["python", "-m", "venv", "--without-pip", "/opt/ci-deploy"]
COPY requirements/runtime.txt /src/
RUN ["pip", "--python", "/opt/ci-deploy/bin/python", "install", "--no-cache-dir", "--no-compile", "--no-deps", \
     "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check", "--root-user-action=ignore", \
     "--requirement", "/src/runtime.txt"]
COPY scripts/rootfs.py scripts/compiled.py entrypoint post-entrypoint LICENSE /src/
COPY ci_deploy /src/ci_deploy
# Takes what is needed and no more, compiles reproducibly, and tries every module, client and command in there.
RUN ["/opt/ci-deploy/bin/python", "-I", "/src/rootfs.py", "/src", "/rootfs"]

FROM scratch

ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=https://github.com/your-org/ci-deploy
LABEL org.opencontainers.image.title="ci-deploy" \
      org.opencontainers.image.description="Deploy AWS Lambda through CodeDeploy from GitHub Actions" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /rootfs /
ENV PATH=/usr/local/bin:/usr/bin:/bin
ENTRYPOINT ["/opt/ci-deploy/entrypoint"]
