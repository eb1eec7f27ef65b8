#!/bin/sh
# Install what is missing of tests/packages.
#   tests/install.sh PURPOSE         build, run, check, fuzz, bench, image or all; says first what it installs
#   tests/install.sh --tell PURPOSE  only says what is missing and how to get it
# Uses apt-get as root or through sudo; with neither it prints the list and fails.
set -eu
tell=
[ "${1-}" = --tell ] && { tell=1; shift; }
case "${1-}" in
build) purposes=" build " ;;
run) purposes=" build run " ;;
check) purposes=" build run check " ;;
fuzz) purposes=" build fuzz " ;;
bench) purposes=" build bench " ;;
image) purposes=" build run check image " ;;
all) purposes=" build run check fuzz bench image all " ;;
*) echo "usage: $0 [--tell] build|run|check|fuzz|bench|image|all" >&2; exit 2 ;;
esac
list=$(dirname "$0")/packages

there() { # PACKAGE TEST
    case "$2" in
    cmd:*) command -v "${2#cmd:}" >/dev/null 2>&1 && return 0 ;;
    pc:*) pkg-config --exists "${2#pc:}" 2>/dev/null && return 0 ;;
    py:*) /usr/bin/python3 -c "import ${2#py:}" 2>/dev/null && return 0 ;;
    file:*) [ -e "${2#file:}" ] && return 0 ;;
    esac
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

missing=
while read -r purpose package test; do
    case "$purpose" in '' | '#'*) continue ;; esac
    case "$purposes" in *" $purpose "*) there "$package" "$test" || missing="$missing $package" ;; esac
done <"$list"
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
line="${sudo:+sudo }apt-get install -y --no-install-recommends$missing"
if [ -n "$tell" ]; then
    echo "Some packages are missing. Install them with: $line" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null || { [ -n "$sudo" ] && ! command -v sudo >/dev/null; }; then
    echo "These packages are missing and cannot be installed from here (apt-get and root or sudo are needed):$missing" >&2
    exit 1
fi
echo "Installing from the distribution:$missing"
as_root() { $sudo env DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# An update may fail for a source that has nothing to do with us: the installation decides.
as_root apt-get update -q >"$log" 2>&1 || true
# shellcheck disable=SC2086 # the list is meant to be split
if ! as_root apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "The installation failed; the command was: $line" >&2
    exit 1
fi
