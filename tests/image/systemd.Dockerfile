# A machine with systemd and the program, as deploy/README.md installs it; on the build stage of docker/Dockerfile.
FROM localhost/account-linkd:build
RUN apt-get update && apt-get install -y --no-install-recommends systemd systemd-sysv && rm -rf /var/lib/apt/lists/*
RUN make install && useradd --system --home-dir /var/lib/account-linkd --shell /usr/sbin/nologin account-linkd \
    && install -d -m 755 /etc/account-linkd
COPY deploy/account-linkd.ini /etc/account-linkd/
COPY deploy/account-linkd.service /etc/systemd/system/
RUN umask 077 && for name in app-secret verify-token admin-token; do \
        head -c 24 /dev/urandom | base64 >/etc/account-linkd/$name; done \
    && systemctl enable account-linkd
CMD ["/sbin/init"]
