#!/bin/sh
# Make or refresh .venv: tools/venv.sh [EXTRA]. Used by the Makefile; any POSIX shell runs it.
#
# Packages come from the pinned list of this Python version under requirements/. A stamp inside .venv holds a checksum
# of everything the installation depends on, so a second call costs nothing and an edited pyproject.toml is noticed.
set -eu
cd "$(dirname "$0")/.."
extra=${1:-}
venv=.venv

say() { printf '%s\n' "$*" >&2; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }

has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

find_python() {
    unfit=
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        fits "$candidate" || continue
        if has_venv "$candidate"; then python=$candidate; return; fi
        unfit=$candidate
    done
    if [ -n "$unfit" ]; then
        say "$unfit cannot make virtual environments because its module ensurepip is missing: install it (Debian and Ubuntu: apt install python3-venv) and call make again."
    else
        say "neurosim needs Python 3.11, 3.12 or 3.13 and found none as ${PYTHON:-python3.11, python3.12, python3.13 or python3}: install one or name it, for example 'make run PYTHON=/opt/python3.12/bin/python3'."
    fi
    exit 2
}

checksum() { cat pyproject.toml setup.py "requirements/constraints-py$1.txt" | cksum; }

if [ -x $venv/bin/python ] && fits $venv/bin/python; then
    python=$venv/bin/python
else
    find_python
fi
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
wanted="$(checksum "$version") $(pwd)"
stamp=$venv/stamp${extra:+-$extra}
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

say "Setting up $venv with Python $version and pinned packages (once, about a minute) ..."
if [ "$python" != $venv/bin/python ]; then
    rm -rf $venv
    "$python" -m venv $venv || {
        say "$python could not make a virtual environment in $(pwd)/$venv: see the message above."
        exit 2
    }
fi
pins="-c requirements/constraints-py$version.txt"
log=$venv/install.log
# shellcheck disable=SC2086
if ! { $venv/bin/python -m pip install $pins setuptools wheel &&
       $venv/bin/python -m pip install $pins --no-build-isolation -e ".${extra:+[$extra]}"; } >$log 2>&1 </dev/null
then
    say "The pinned packages could not be installed, most often because there is no network: pip's own words are in $(pwd)/$log."
    exit 2
fi
printf '%s\n' "$wanted" >"$stamp"
