# shellcheck shell=bash
# setup.sh - what tools/quickstart and tools/check have in common: find or
# install the toolchain, configure, build. Sourced, never run; `root` is the
# repository and the caller runs under `set -euo pipefail`.

# Everything is in Debian's own archive; sizes are asked of apt, not guessed.
packages=(cmake ninja-build clang-22 lld-22 llvm-22-dev llvm-22-tools
          libmlir-22-dev mlir-22-tools libcli11-dev libfmt-dev libgtest-dev pkgconf)
all_packages=(libclang-rt-22-dev python3-numpy) # for tools/check --all

assume_yes=false  # -y: install without a question
may_install=true  # --no-install: use what is there
jobs=""           # -j

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() { # fail STATUS MESSAGE...
  local status=$1
  shift
  printf '\nerror: %s\n' "$*" >&2
  exit "$status"
}

# Takes one option that both scripts have; sets `taken` to the words used.
take_common_option() {
  taken=1
  case ${1-} in
  -y | --yes) assume_yes=true ;;
  --no-install) may_install=false ;;
  -j)
    [[ ${2-} =~ ^[1-9][0-9]*$ ]] || fail 2 "-j needs a number of jobs, got '${2-}'"
    jobs=$2
    taken=2
    ;;
  *) taken=0 ;;
  esac
}

common_options_help="\
  -y, --yes      install missing packages without asking (also where CI=true)
  --no-install   do not look at packages; use the tools that are there
  -j N           build jobs (default: one a core, at most one for 2 GiB of memory)
  -h, --help     this text"

#--- Packages -----------------------------------------------------------------

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    fail 4 "installing packages needs root, and there is no sudo; run as root: $*"
  fi
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

has_candidate() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ {print $2}')
  [[ -n $candidate && $candidate != "(none)" ]]
}

# Megabytes to download and megabytes on disk for the packages given, with all
# that they pull in.
print_package_sizes() {
  local uris names
  uris=$(LC_ALL=C apt-get install -qq --print-uris --no-install-recommends "$@" | grep "^'" || true)
  names=$(awk '{split($2, part, "_"); print part[1]}' <<<"$uris")
  awk -v count="$(grep -c . <<<"$names")" '
    NR == FNR { download += $3; next }
    /^Installed-Size:/ { disk += $2 * 1024 }
    END { printf "%d packages with what they need: %.0f MB to download, %.0f MB on disk",
                 count, download / 1e6, disk / 1e6 }' \
    <(printf '%s\n' "$uris") \
    <(xargs -r apt-cache show --no-all-versions <<<"$names" 2>/dev/null)
}

ask() { # ask QUESTION; yes without a terminal, as nobody could answer
  if $assume_yes || [[ ${CI-} == true || ! -t 0 ]]; then
    return 0
  fi
  local answer
  read -r -p "$1 [Y/n] " answer
  [[ -z $answer || $answer == [yY]* ]]
}

# Installs those of the packages given that are missing.
require_packages() {
  $may_install || return 0
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    local name="this system"
    [[ -r /etc/os-release ]] && name=$(. /etc/os-release && printf '%s' "${PRETTY_NAME:-$ID}")
    fail 4 "$name has no apt-get, and only Debian's packages are installed from here." \
      "Install clang, lld, LLVM and MLIR 22 with their CMake packages, CMake 3.25, Ninja, CLI11, fmt" \
      "and GoogleTest, set MLIR_DIR and LLVM_DIR if CMake does not find them, and run again with --no-install."
  fi
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  step "Packages"
  for package in "${missing[@]}"; do
    if ! has_candidate "$package"; then
      say "$package is not in the package lists; running apt-get update"
      as_root apt-get update -q
      break
    fi
  done
  for package in "${missing[@]}"; do
    has_candidate "$package" ||
      fail 4 "no package $package in this system's archives." \
        "LLVM and MLIR 22 are in Debian 12's (security updates) and later; elsewhere apt.llvm.org has them."
  done
  say "Missing: ${missing[*]}"
  say "$(print_package_sizes "${missing[@]}")"
  ask "Install them from this system's package archives?" ||
    fail 4 "not installed; run again, or install them and use --no-install"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" ||
    fail 4 "apt-get could not install ${missing[*]}"
}

#--- Build --------------------------------------------------------------------

build_jobs() {
  if [[ -n $jobs ]]; then
    say "$jobs"
    return
  fi
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 2097152)}' /proc/meminfo)
  ((memory < 1)) && memory=1
  say $((cores < memory ? cores : memory))
}

# configure_and_build PRESET TARGET...: into build/PRESET.
configure_and_build() {
  local preset=$1 tree="$root/build/$1" log
  shift
  step "Configure ($preset)"
  log=$(mktemp)
  if ! (cd "$root" && cmake --preset "$preset") >"$log" 2>&1; then
    cat "$log" >&2
    fail 1 "CMake could not configure the preset $preset; what it said is above"
  fi
  grep -E '^-- (MLIR|ptxas|GoogleTest)' "$log" || true
  rm -f "$log"
  step "Build ($preset, $(build_jobs) jobs)"
  local start=$SECONDS
  ninja -C "$tree" -j "$(build_jobs)" "$@" || fail 1 "the build failed; see above"
  say "built in $((SECONDS - start)) s"
}
