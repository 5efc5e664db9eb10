# syntax=docker/dockerfile:1
# Two stages: a builder with the Rust toolchain, and a small runtime without a shell user's tools.
# `make image` builds it with buildah on images made from Debian packages; any builder works:
#   docker build -t ultra .
ARG BUILDER_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BUILDER_IMAGE} AS builder
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ARG CARGO_PROFILE=release
ENV CARGO_TARGET_DIR=/build
WORKDIR /src
# Dependencies first: they are compiled again only when the manifest changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src benches && echo 'fn main() {}' | tee src/main.rs benches/rig.rs && : > src/lib.rs \
 && cargo build --locked --profile ${CARGO_PROFILE} \
 && rm -rf src
COPY profiles profiles
COPY templates templates
COPY src src
# The time stamps of the placeholders above are newer than those of the sources.
RUN touch src/main.rs src/lib.rs \
 && cargo build --locked --profile ${CARGO_PROFILE} \
 && mkdir -p /out && cp "/build/${CARGO_PROFILE}/ultra" /out/ultra

FROM ${RUNTIME_IMAGE} AS runtime
# Certificates for TLS to providers; nothing else is needed.
RUN if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then \
      apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*; \
    fi \
 && groupadd --system --gid 10001 ultra \
 && useradd --system --uid 10001 --gid ultra --home-dir /var/lib/ultra --shell /usr/sbin/nologin ultra \
 && install -d -o ultra -g ultra -m 0700 /var/lib/ultra \
 && install -d -m 0755 /srv/app
COPY --from=builder /out/ultra /usr/local/bin/ultra
COPY profiles /srv/app/profiles
COPY templates /srv/app/templates
ENV ULTRA_DIR=/srv/app \
    ULTRA_STATE_DIR=/var/lib/ultra \
    ULTRA_PROFILE_REQUIRED=true \
    ULTRA_ADDR=0.0.0.0 \
    ULTRA_PORT=8000
WORKDIR /srv/app
USER 10001:10001
VOLUME ["/var/lib/ultra"]
EXPOSE 8000
# Readiness, not liveness: a container that cannot serve should not get traffic.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["ultra", "check", "status", "--url", "http://127.0.0.1:8000", "--quiet"]
# Exec form: SIGTERM reaches the server, which drains and exits 0.
ENTRYPOINT ["ultra"]
CMD ["serve"]
