# The services as images: docker build --target api|ingress|scheduler|worker|migrate .
#
# BASE is what it is built on: a glibc system with Node.js 24 and npm. Of it the images keep Node and the libraries that Node
# is linked with (certificates and time zones are in Node itself): no shell, no package manager, nobody to log in as.
ARG BASE=docker.io/library/node:24-trixie-slim

# ---- tools: pnpm, and what every image takes from the base
FROM ${BASE} AS tools
LABEL org.opencontainers.image.vendor="Keelson"
ARG PNPM_VERSION=12.21.0
# An offline build brings pnpm along, as a folder mounted there.
RUN [ -x /opt/pnpm/bin/pnpm ] || npm install --global --prefix /opt/pnpm "pnpm@${PNPM_VERSION}"
ENV PATH=/opt/pnpm/bin:$PATH
RUN set -eu; node=$(readlink -f "$(command -v node)"); mkdir -p /root-of-image; cd /root-of-image; \
  mkdir -p usr/local/bin etc app; mkdir -m 1777 tmp; \
  cp "$node" usr/local/bin/node; \
  for library in $(ldd "$node" | grep -o '/[^ ]*'); do \
    mkdir -p ".$(dirname "$library")"; cp -L "$library" ".$library"; \
  done; \
  echo 'keelson:x:10001:10001::/tmp:/usr/sbin/nologin' >etc/passwd; \
  echo 'keelson:x:10001:' >etc/group; \
  echo 'hosts: files dns' >etc/nsswitch.conf; \
  chroot . /usr/local/bin/node --version

# ---- install: one tree a service, its production dependencies alone and the packages of ours that it imports. Not by
# `pnpm deploy`: that copies our packages into node_modules, where Node strips no types.
FROM tools AS install
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY apps apps
COPY packages packages
COPY infra/container infra/container
ENV CI=true pnpm_config_store_dir=/pnpm-store pnpm_config_cache_dir=/pnpm-cache
# --offline, where store and cache are mounted.
ARG PNPM_FLAGS=
# The database client, once for all. Generating needs no schema engine, which Prisma would download unless some program is
# named for it.
RUN pnpm install $PNPM_FLAGS --frozen-lockfile --ignore-scripts --filter @keelson/db && \
  cd packages/db && \
  PRISMA_SCHEMA_ENGINE_BINARY=/usr/local/bin/node CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 \
  node_modules/.bin/prisma generate && \
  cd ../.. && rm -rf node_modules apps/*/node_modules packages/*/node_modules
RUN set -eu; \
  for service in api ingress scheduler worker migrate; do \
    tree=/trees/$service; mkdir -p "$tree/apps"; \
    cp -r package.json pnpm-lock.yaml pnpm-workspace.yaml packages "$tree"; cp -r "apps/$service" "$tree/apps"; \
    cd "$tree"; \
    pnpm install $PNPM_FLAGS --frozen-lockfile --ignore-scripts --prod --package-import-method=copy \
      --filter-prod "@keelson/$service..."; \
    for package in packages/*; do [ -d "$package/node_modules" ] || rm -r "$package"; done; \
    node /app/infra/container/prune.mjs; \
    cp /app/infra/container/health.mjs .; rm pnpm-lock.yaml pnpm-workspace.yaml; \
    cd /app; \
  done

# ---- what the images have in common
FROM scratch AS runtime
COPY --from=tools /root-of-image /
WORKDIR /app
USER 10001:10001
# A container listens on its own network, not on its loopback. The heap fits a limit of 512 MiB, the rest of which is
# buffers, stacks and code; packages/local-stack/src/memory-bounds.ts says why it is bounded so.
ENV PATH=/usr/local/bin NODE_ENV=production BIND_ADDRESS=0.0.0.0 \
  NODE_OPTIONS="--max-old-space-size=320 --max-semi-space-size=16" MALLOC_ARENA_MAX=2
STOPSIGNAL SIGTERM
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Keelson" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"

FROM runtime AS api
LABEL org.opencontainers.image.title="keelson-api" org.opencontainers.image.description="Keelson's REST API"
COPY --from=install /trees/api /app
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/health.mjs", "api"]
ENTRYPOINT ["node", "/app/apps/api/src/main.ts"]

FROM runtime AS ingress
LABEL org.opencontainers.image.title="keelson-ingress" org.opencontainers.image.description="Keelson's webhook receiver"
COPY --from=install /trees/ingress /app
EXPOSE 4001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/health.mjs", "ingress"]
ENTRYPOINT ["node", "/app/apps/ingress/src/main.ts"]

FROM runtime AS scheduler
LABEL org.opencontainers.image.title="keelson-scheduler" org.opencontainers.image.description="Keelson's scheduler and sweeper"
COPY --from=install /trees/scheduler /app
EXPOSE 4002
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/health.mjs", "scheduler"]
ENTRYPOINT ["node", "/app/apps/scheduler/src/main.ts"]

FROM runtime AS worker
LABEL org.opencontainers.image.title="keelson-worker" org.opencontainers.image.description="Keelson's worker"
# Decompression and name resolution run on libuv's threads.
ENV UV_THREADPOOL_SIZE=8
COPY --from=install /trees/worker /app
EXPOSE 4003
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/health.mjs", "worker"]
ENTRYPOINT ["node", "/app/apps/worker/src/main.ts"]

# One-shot: the schema and the services' logins.
FROM runtime AS migrate
LABEL org.opencontainers.image.title="keelson-migrate" org.opencontainers.image.description="Keelson's schema and logins"
HEALTHCHECK NONE
COPY --from=install /trees/migrate /app
ENTRYPOINT ["node", "/app/apps/migrate/src/main.ts"]
