# The image holds one file and the public certificate authorities. Build: make image. Where the builder's apt needs
# configuration, give it as --build-arg APT_CONF='Acquire::http::Proxy "URL";'. Not a secret mount, which needs
# BuildKit; the argument stays in the builder's layers and does not reach the image.
FROM debian:trixie-slim AS build
WORKDIR /src
# The libraries first: a layer that only deps/ can change.
COPY deps/ deps/
ARG APT_CONF=
RUN printf '%s\n' "$APT_CONF" >/etc/apt/apt.conf.d/99build && deps/setup.sh build && deps/build.sh static
COPY . .
RUN make build/ordain

FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="ordain" \
      org.opencontainers.image.description="Turns a StatefulSet of official images into a Redis Cluster or a Postgres primary with standbys" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="scratch"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/build/ordain /bin/ordain
# No root and no passwd file: the number stands for nobody. Where init has to change owners, the pod says runAsUser: 0.
USER 65532:65532
ENTRYPOINT ["/bin/ordain"]
CMD ["--help"]
