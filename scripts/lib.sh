# Shared by the scripts: what this machine needs, installed where Debian's packages give it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$*"; }
die() { printf 'donghanh: %s\n' "$*" >&2; exit 1; }

# need PROGRAM PACKAGE...: installs Debian packages when the program is missing; "-" instead of a program always installs.
need() {
  local program=$1; shift
  [ "$program" = - ] || { command -v "$program" >/dev/null 2>&1 && return; }
  if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }; then
    local sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    [ -n "${apt_updated:-}" ] || { $sudo apt-get update -qq; apt_updated=1; }
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    die "$program is missing: install $* with your system's packages, then start again"
  fi
}

need_rust() {
  command -v cargo >/dev/null 2>&1 || { [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"; }
  command -v cargo >/dev/null 2>&1 || die "Rust is missing: install Rust 1.95 or later from https://rustup.rs, then start again"
  local have; have=$(rustc --version | cut -d' ' -f2)
  [ "$(printf '%s\n1.95\n' "$have" | sort -V | head -n1)" = 1.95 ] || die "Rust $have is too old: run 'rustup update'"
}
