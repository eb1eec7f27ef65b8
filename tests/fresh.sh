#!/bin/sh
# The way of a newcomer on a new machine:  tests/fresh.sh [bookworm|trixie]
# In a chroot with nothing but git and make: clone the last commit, let make say what is missing, let the
# install step bring it, build without a warning, install, run the demo's own check.  Needs root and debootstrap.
# Everything, mounts included, is gone afterwards.
set -eu
release=${1:-bookworm}
[ "$(id -u)" = 0 ] || { echo "tests/fresh.sh needs root" >&2; exit 2; }
if [ -z "${FRESH_MOUNTS-}" ]; then
    # mounts made in a namespace of our own cannot outlive us
    exec env FRESH_MOUNTS=1 unshare -m --propagation private sh "$0" "$release"
fi
# the mirror this machine's own packages come from
# shellcheck disable=SC2016 # a variable of apt-get's
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | sed -n 's,/debian/*$,,p' | head -n 1)}
repo=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d /var/tmp/fresh.XXXXXX)
cleanup() {
    umount "$root/proc" 2>/dev/null || true
    rm -rf --one-file-system "$root"
}
trap cleanup EXIT
chmod 755 "$root"
trap 'exit 1' INT TERM HUP

say() { printf '== %s: %s\n' "$release" "$*"; }
inside() { chroot "$root" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null; }

say "a new machine"
debootstrap --variant=minbase "$release" "$root" "$mirror/debian" >"$root.log" 2>&1 ||
    { cat "$root.log"; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
cat >"$root/etc/apt/sources.list" <<END
deb $mirror/debian $release main
deb $mirror/debian $release-updates main
deb $mirror/debian-security $release-security main
END
apt-config dump | grep -E '^Acquire::https?::Proxy ' >"$root/etc/apt/apt.conf.d/99proxy" || true
cp /etc/resolv.conf /etc/hosts "$root/etc/"
inside DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends git make' \
    >"$root/out" 2>&1 || { cat "$root/out"; exit 1; }
git clone -q --bare "$repo" "$root/srv/account-linkd.git"
inside git clone -q /srv/account-linkd.git /srv/account-linkd

say "make says what is missing"
if inside make -C /srv/account-linkd >"$root/out" 2>&1; then echo "make should have failed" >&2; exit 1; fi
cat "$root/out"
[ "$(grep -c 'apt-get install -y' "$root/out")" = 1 ]

say "the install step"
inside sh /srv/account-linkd/tests/install.sh run

say "make"
inside make -C /srv/account-linkd -j2 WERROR=1 install PREFIX=/usr >"$root/out" 2>&1 || { cat "$root/out"; exit 1; }
inside /usr/sbin/account-linkd version

say "make run"
( exec chroot "$root" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 PATH=/usr/bin:/bin timeout 300 \
    make -C /srv/account-linkd run DEMO="--service-port 0 --simulator-port 0" ) </dev/null >"$root/out" 2>&1 &
demo=$!
tries=240 # it builds first
while [ "$tries" -gt 0 ]; do
    page=$(sed -n 's|.*Open this in a browser: *||p' "$root/out")
    [ -n "$page" ] && break
    tries=$((tries - 1))
    sleep 1
done
inside python3 -c 'import sys, urllib.request as u; sys.exit(b"Log In" not in u.urlopen(sys.argv[1], timeout=9).read())' \
    "$page" || { cat "$root/out"; kill "$demo"; exit 1; }
kill "$demo"
wait "$demo" || true
tries=20 # make may end before the demo does
while [ "$tries" -gt 0 ] && ! grep -q '^Stopping' "$root/out"; do
    tries=$((tries - 1))
    sleep 1
done
[ "$tries" -gt 0 ] || { cat "$root/out"; exit 1; }
say "ok"
