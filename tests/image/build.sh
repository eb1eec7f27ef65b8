#!/bin/sh
# Build the image of docker/Dockerfile without a Docker engine:  tests/image/build.sh FOLDER [systemd]
# FOLDER keeps the base (made by debootstrap when it is missing or a week old) and the store of images and containers,
# so the machine's own are not touched.  systemd: a machine that runs the unit of deploy/ as well.
# Needs root, debootstrap, buildah, podman.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
# the mirror this machine's own packages come from
# shellcheck disable=SC2016 # a variable of apt-get's
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | sed -n 's,/debian/*$,,p' | head -n 1)}
base=docker.io/library/debian:trixie-slim
[ "$(id -u)" = 0 ] || { echo "$0 needs root" >&2; exit 2; }
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
export CONTAINERS_STORAGE_CONF="$folder/storage.conf" CONTAINERS_CONF="$folder/containers.conf"

settings() {
    cat >"$folder/storage.conf" <<END
[storage]
driver = "overlay"
runroot = "$folder/run"
graphroot = "$folder/store"
END
    # Limits that a root without CAP_SYS_RESOURCE can set, and a runtime that knows both versions of cgroups.
    cat >"$folder/containers.conf" <<END
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
END
}

# As the official slim image: no documentation but copyrights, no caches, updates and security fixes in.
make_base() {
    root=$folder/base
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase trixie "$root" "$mirror/debian"
    cat >"$root/etc/apt/sources.list" <<END
deb $mirror/debian trixie main
deb $mirror/debian trixie-updates main
deb $mirror/debian-security trixie-security main
END
    apt-config dump | grep -E '^Acquire::https?::Proxy ' >"$root/etc/apt/apt.conf.d/99proxy" || true
    cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<END
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/info/*
END
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 \
        sh -c 'apt-get update -q && apt-get upgrade -y -q' </dev/null
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    tar -C "$root" --numeric-owner --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
        --exclude='./usr/share/info/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
        --exclude='./var/log/*' --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$folder/base.tar.new" .
    rm -rf --one-file-system "$root"
    mv "$folder/base.tar.new" "$folder/base.tar"
    podman rmi -f "$base" >/dev/null 2>&1 || true
}

settings
if [ -z "$(find "$folder/base.tar" -mtime -7 2>/dev/null)" ]; then
    echo "== the base"
    make_base >"$folder/base.log" 2>&1 || { tail -n 40 "$folder/base.log" >&2; exit 1; }
fi
podman image exists "$base" || podman import -q "$folder/base.tar" "$base"
bud() { # TAG DOCKERFILE [OPTIONS]
    tag=localhost/account-linkd:$1
    file=$tree/$2
    shift 2
    echo "== $tag"
    buildah bud --isolation chroot --pull-never --layers --format docker -f "$file" -t "$tag" "$@" "$tree"
}

# What earlier builds left; today's is kept, it makes the next build short.
podman image prune -f --filter until=24h >/dev/null
ignore=$tree/docker/Dockerfile.dockerignore
if [ "${2-}" = systemd ]; then
    bud build docker/Dockerfile --ignorefile "$ignore" --target build
    printf '*\n!deploy\n' >"$folder/ignore"
    bud systemd tests/image/systemd.Dockerfile --ignorefile "$folder/ignore"
else
    bud check docker/Dockerfile --ignorefile "$ignore"
fi
