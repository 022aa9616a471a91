#!/bin/bash
# Make this checkout ready: Debian packages, .venv, dependencies from requirements.lock, phoenix itself.
# Called by `make setup`; with the word `tests` also what tests alone need. Safe to run again: what is there is left
# alone, and looking costs a fraction of a second.
set -euo pipefail
cd "$(dirname "$0")/.."

lists=(setup/packages.txt)
[ "${1:-}" != tests ] || lists+=(setup/packages-for-tests.txt)

say() { printf 'setup: %s\n' "$*"; }

# What, details, what to do: the three sentences of every error of phoenix.
fail() {
    printf 'setup failed: %s\n  %s\n  %s\n' "$1" "$2" "$3" >&2
    exit 3
}

# The names in the lists. `NAME !13` is none on Debian 13, which has no such package.
wanted_packages() {
    local release
    release=$(sed -n 's/^VERSION_ID="\?\([^"]*\)"\?$/\1/p' /etc/os-release 2>/dev/null || true)
    sed 's/ *#.*//' "${lists[@]}" | while read -r name but; do
        [ -n "$release" ] && [ "$but" = "!$release" ] || echo "$name"
    done | sort -u
}

# Those that dpkg does not know as installed.
missing_packages() {
    local wanted installed
    wanted=$(wanted_packages)
    # dpkg-query complains, and exits 1, about names it never heard of: those are missing, too.
    # shellcheck disable=SC2086
    installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true)
    comm -23 <(echo "$wanted") <(sed -n 's/^installed //p' <<<"$installed" | sort -u)
}

install_packages() {
    local missing as_root=()
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        as_root=(sudo)
        command -v sudo >/dev/null || fail "Debian packages are missing, and this is neither root nor a user with sudo" \
            "missing: ${missing//$'\n'/ }" \
            "Have an administrator run: apt-get install ${missing//$'\n'/ } -- then run \`make setup\` again."
    fi
    say "these Debian packages are missing and are installed now${as_root:+, with sudo}:"
    grep -hE "^(${missing//$'\n'/|}) " "${lists[@]}" | sed 's/^/  /'
    # shellcheck disable=SC2086
    "${as_root[@]}" setup/packages.sh $missing || fail "apt-get could not install the packages" \
        "its words stand above" "Mend apt (network, sources, a lock held by another apt), then run \`make setup\` again."
}

# The first Python that is new enough and can make virtual environments. A name on PATH proves nothing: try it.
find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "no Python 3.11 or newer that can make virtual environments" \
        "tried python3.11, python3.12, python3.13 and python3, each with the modules venv and ensurepip" \
        "Install python3 and python3-venv of Debian 12 or newer, then run \`make setup\` again."
}

# What .venv was made from, and what phoenix in it was installed from. Written last, so what was interrupted is redone.
stamp() {
    local python
    python=$(.venv/bin/python --version 2>/dev/null) || return 0
    printf '%s\n' "$python in $PWD, $(sha256sum <requirements.lock)" "phoenix $(sha256sum <pyproject.toml)"
}

install_python_side() {
    local python before now pip=(.venv/bin/python -m pip --disable-pip-version-check --quiet install)
    before=$(cat .venv/setup-stamp 2>/dev/null || true)
    now=$(stamp)
    [ -z "$now" ] || [ "$now" != "$before" ] || return 0
    if [ -z "$now" ] || [ "${now%%$'\n'*}" != "${before%%$'\n'*}" ]; then
        python=$(find_python)
        say "making .venv with $("$python" --version), dependencies from requirements.lock (a minute or two)"
        "$python" -m venv --clear .venv
        "${pip[@]}" --use-pep517 --require-hashes -r requirements.lock || fail "pip could not install the dependencies" \
            "its words stand above" "Mend the network or pip's configuration, then run \`make setup\` again."
    fi
    "${pip[@]}" --no-deps --no-build-isolation --editable .
    stamp >.venv/setup-stamp
    say "ready: .venv/bin/phoenix --help"
}

command -v dpkg-query >/dev/null || fail "this is not a Debian system" "there is no dpkg-query" \
    "Use Debian 12 or newer (a virtual machine or a container will do)."
install_packages
install_python_side
