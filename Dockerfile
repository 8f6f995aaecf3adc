# vsd and vsperf in an image without Swift. Docs/operate/run.md says how to use it.
FROM swift:6.2-bookworm AS build
WORKDIR /source
RUN apt-get update && apt-get install -y --no-install-recommends \
    g++ libcurl4-openssl-dev libmicrohttpd-dev libpq-dev libsimdjson-dev libsqlite3-dev libssl-dev libzstd-dev make pkg-config zlib1g-dev \
  && rm -rf /var/lib/apt/lists/*
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN swift build --configuration release --static-swift-stdlib --product vsd \
  && swift build --configuration release --static-swift-stdlib --product vsperf \
  && strip .build/release/vsd .build/release/vsperf

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    ca-certificates curl libcurl4 libmicrohttpd12 libpq5 libsimdjson14 libsqlite3-0 libssl3 libstdc++6 libzstd1 zlib1g \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --home-dir /var/lib/valuestream --create-home --shell /usr/sbin/nologin valuestream \
  && chmod 700 /var/lib/valuestream
COPY --from=build /source/.build/release/vsd /source/.build/release/vsperf /usr/local/bin/
USER 10001:10001
ENV VS_ADDR=:5000 VS_STORE=/var/lib/valuestream
VOLUME /var/lib/valuestream
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD curl --fail --silent --show-error --output /dev/null http://127.0.0.1:5000/healthz
STOPSIGNAL SIGTERM
CMD ["vsd"]
