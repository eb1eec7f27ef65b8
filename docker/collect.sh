#!/bin/sh
# Lay out a root file system around one program:  docker/collect.sh PROGRAM ROOT STATE
# The libraries ldd names and the dynamic linker, CA certificates, a user; for scanners and lawyers the
# packages these came from (var/lib/dpkg/status.d) and their copyright files.  STATE gets the folder a volume is mounted
# on, apart because it belongs to the user of the service.  Runs in the build stage.
set -eu
program=$1
root=$2
state=$3
packages=$(mktemp)
trap 'rm -f "$packages"' EXIT

mkdir -p "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/etc/ssl/certs" "$root/tmp" \
    "$root/var/lib/dpkg/status.d" "$state/account-linkd"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
chmod 1777 "$root/tmp"
chmod 700 "$state/account-linkd"
cp "$program" "$root/usr/sbin/"
strip "$root/usr/sbin/$(basename "$program")"

owner() { # FILE: its package; dpkg knows a file of /usr/lib under either name
    dpkg-query -S "$1" 2>/dev/null || dpkg-query -S "${1#/usr}"
}

add() { # FILE as the linker looks for it: its content under that name
    mkdir -p "$root/usr/${1#/usr/}"
    rmdir "$root/usr/${1#/usr/}"
    cp -L "$1" "$root/usr/${1#/usr/}"
    owner "$(readlink -f "$1")" | sed 's/: .*//' >>"$packages"
}

# Not in the list: glibc loads libgcc_s by itself when a thread ends early.
libgcc=$(gcc -print-file-name=libgcc_s.so.1)
{
    ldd "$program" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'
    echo "/usr/lib/$(gcc -dumpmachine)/$(basename "$libgcc")"
} | sort -u | while read -r file; do add "$file"; done

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo ca-certificates >>"$packages"
cp -L /etc/os-release "$root/etc/os-release"
echo "hosts: files dns" >"$root/etc/nsswitch.conf"
echo "account-linkd:x:10001:10001:account-linkd:/var/lib/account-linkd:/nonexistent" >"$root/etc/passwd"
echo "account-linkd:x:10001:" >"$root/etc/group"

sort -u "$packages" | while read -r package; do
    name=${package%%:*}
    dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$name"
    mkdir -p "$root/usr/share/doc/$name"
    cp -L "/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/"
done

# Whatever is missing would be missed at the worst time: start it once as it will be started.
chroot "$root" "/usr/sbin/$(basename "$program")" version
