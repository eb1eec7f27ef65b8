# A new machine in a chroot, for the scripts that source this with $release set: $root is it, with git and make and the
# last commit in /srv/account-linkd; `inside COMMAND...` runs there.  Needs root and debootstrap.
# Everything, mounts included, is gone afterwards.
# shellcheck shell=sh disable=SC2154 # release is the caller's
[ "$(id -u)" = 0 ] || { echo "$0 needs root" >&2; exit 2; }
if [ -z "${FRESH_MOUNTS-}" ]; then
    # mounts made in a namespace of our own cannot outlive us
    exec env FRESH_MOUNTS=1 unshare -m --propagation private sh "$0" "$@"
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
install() { # PACKAGE...
    inside DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$root/out" 2>&1 ||
        { cat "$root/out"; exit 1; }
}

say "a new machine"
debootstrap --variant=minbase "$release" "$root" "$mirror/debian" >"$root.log" 2>&1 ||
    { cat "$root.log"; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
cat >"$root/etc/apt/sources.list" <<SOURCES
deb $mirror/debian $release main
deb $mirror/debian $release-updates main
deb $mirror/debian-security $release-security main
SOURCES
apt-config dump | grep -E '^Acquire::https?::Proxy ' >"$root/etc/apt/apt.conf.d/99proxy" || true
cp /etc/resolv.conf /etc/hosts "$root/etc/"
inside apt-get update -q >"$root/out" 2>&1 || { cat "$root/out"; exit 1; }
install git make
git clone -q --bare "$repo" "$root/srv/account-linkd.git"
inside git clone -q /srv/account-linkd.git /srv/account-linkd
