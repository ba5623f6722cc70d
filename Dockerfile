# The action's image. No USER, no WORKDIR, no shell in the entry points: the runner mounts the workspace as root, sets the
# working directory itself, and sends signals to process 1 (GitHub's documentation on Dockerfiles for actions).
FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285 AS build

ARG SOURCE_DATE_EPOCH=0

# An environment of its own, without pip: what else is on the base's path cannot be imported from it.
RUN ["python", "-m", "venv", "--without-pip", "/opt/ci-deploy"]
COPY requirements/runtime.txt /src/
RUN ["pip", "--python", "/opt/ci-deploy/bin/python", "install", "--no-cache-dir", "--no-compile", "--no-deps", \
     "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check", "--root-user-action=ignore", \
     "--requirement", "/src/requirements/runtime.txt"]
COPY ci_deploy /src/ci_deploy
COPY scripts/slim.py /src/
# Leaves the API models of the clients in use, makes each of those clients, and compiles reproducibly.
RUN ["/opt/ci-deploy/bin/python", "-I", "/src/slim.py", "/src/ci_deploy"]
COPY entrypoint post-entrypoint /opt/ci-deploy/
COPY LICENSE /opt/ci-deploy/

FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=https://github.com/your-org/ci-deploy
LABEL org.opencontainers.image.title="ci-deploy" \
      org.opencontainers.image.description="Deploy AWS Lambda through CodeDeploy from GitHub Actions" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The base's pip has no use here.
RUN ["python", "-c", "import pathlib, pip, shutil; shutil.rmtree(pathlib.Path(pip.__file__).parent)"]
COPY --from=build /opt/ci-deploy /opt/ci-deploy
ENTRYPOINT ["/opt/ci-deploy/entrypoint"]
