# What the tests of this folder share; they source it after a `cd` to the top of the project.
#
# A case is a function case_NAME, which fails by `fail` and is skipped by `skip`. `run_cases` runs those of the command line,
# or all, each in a subshell, and prints how many passed, failed and were skipped.
#
# root_new makes the root file system of a clean Debian, as a layer over one that debootstrap has made once (root only).
# Everything that is mounted belongs to a mount namespace of the test's own, and is gone when it ends.

export LC_ALL=C DEBIAN_FRONTEND=noninteractive
top=$PWD
output=$top/build/packaging
name=tests/packaging/$(basename "$0")

fail() {
    echo "$name: $case_name: $1" >&2
    exit 1
}

skip() {
    echo "skipped: $name: $case_name: $1"
    exit 77
}

# Each COMMAND[=PACKAGE] that is missing is a reason to skip the case.
need() {
    for needed in "$@"; do
        command -v "${needed%%=*}" >/dev/null || skip "${needed%%=*} is missing; make deps-ecosystem installs it"
    done
}

need_root() {
    [ "$(id -u)" = 0 ] || skip "only root can $1"
}

# The command's output is shown only if it fails.
quietly() {
    "$@" >"$work/quiet" 2>&1 || { cat "$work/quiet" >&2; fail "failed: $*"; }
}

# Waits until a command succeeds, for SECONDS.
await() { # SECONDS COMMAND...
    deadline=$(($(date +%s) + $1))
    shift
    until "$@" >"$work/await" 2>&1; do
        [ "$(date +%s)" -lt $deadline ] || { cat "$work/await" >&2; fail "did not happen: $*"; }
        sleep 0.1
    done
}

contains() { # FILE TEXT
    grep -qF -e "$2" "$1" || { cat "$1" >&2; fail "'$2' is not in the output above"; }
}

run_cases() { # ARGUMENT-OF-THE-TEST... -- CASE...
    asked=""
    while [ "$1" != -- ]; do
        asked="$asked $1"
        shift
    done
    shift
    passed=0 failed=0 skipped=0
    for case_name in ${asked:-"$@"}; do
        # Left of || a subshell would ignore set -e.
        set +e
        (
            set -e
            work=$(mktemp -d)
            trap 'status=$?; case_end; exit $status' EXIT
            trap 'exit 130' INT
            trap 'exit 143' TERM
            "case_$case_name"
        )
        status=$?
        set -e
        case $status in
        0) passed=$((passed + 1)) ;;
        77) skipped=$((skipped + 1)) ;;
        *) failed=$((failed + 1)) ;;
        esac
    done
    echo "$name: $passed passed, $failed failed, $skipped skipped"
    [ $failed = 0 ]
}

case_end() {
    if [ -n "${clients:-}" ]; then # a process that a case has left running
        kill "$clients" 2>/dev/null || :
    fi
    if [ -n "${booted:-}" ]; then
        stop_systemd
    fi
    if [ -n "${root:-}" ]; then
        umount -R "$root" "$work/layers" || :
    fi
    # The process that podman leaves behind each container writes to the store for a moment after its end.
    tries=0
    until rm -rf "$work" 2>/dev/null || [ $tries = 50 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}

# ---- a clean Debian ----

# Mounts are made in a namespace of the test's own.
if [ "$(id -u)" = 0 ] && [ -z "${UDPSRV_PACKAGING_NAMESPACE:-}" ] && command -v unshare >/dev/null; then
    UDPSRV_PACKAGING_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi

# The registry and the release of this host.
sources() {
    [ -r /etc/debian_version ] || skip "this is not Debian"
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mirror=$(apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
        awk -v release="$release" '$1 == "Packages" && $2 == release && $3 == "main" { print $4; exit }')
    [ -n "$mirror" ] || skip "apt has no list of packages; apt-get update gets it"
}

# Programs in a root file system; what they may start is forbidden by policy-rc.d, as in every chroot.
in_root() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive HOME=/root TERM=dumb \
        no_proxy="${no_proxy:-}" http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" chroot "$root" "$@"
}

apt_install() {
    quietly in_root apt-get install -y -qq --no-install-recommends "$@"
}

mount_kernel() { # ROOT
    mount -t proc proc "$1/proc"
    mount -t sysfs sysfs "$1/sys"
}

# Makes build/packaging/LAYER if it is not there, by a function that fills $root above the layers below it.
layer() { # LAYER LOWER FUNCTION
    [ ! -e "$output/$1.complete" ] || return 0
    echo "$name: making $output/$1, once"
    rm -rf "$output/$1" "$output/$1.work"
    mkdir -p "$output/$1" "$output/$1.work"
    if [ -n "$2" ]; then
        root=$work/making
        mkdir "$root"
        mount -t overlay -o "lowerdir=$2,upperdir=$output/$1,workdir=$output/$1.work" overlay "$root"
        mount_kernel "$root"
        "$3"
        umount -R "$root"
        rmdir "$root"
        root=""
    else
        root=$output/$1
        "$3"
        root=""
    fi
    touch "$output/$1.complete"
}

make_minimal() {
    quietly debootstrap --variant=minbase "$release" "$root" "$mirror"
    # The programs of a root file system without an init must not start services.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # apt downloads as this user, who may not be able to enter the directory of the packages.
    echo 'APT::Sandbox::User "root";' >"$root/etc/apt/apt.conf.d/sandbox"
    quietly in_root apt-get update -qq
}

make_systemd() {
    apt_install systemd systemd-sysv
}

# A clean Debian at $root: `minimal` as debootstrap makes it, or `systemd`, which can be started, with the further layers
# that functions make_LAYER of the test make.
root_new() { # minimal | systemd [LAYER]...
    need_root "make a root file system"
    need debootstrap unshare
    sources
    layer minimal "" make_minimal
    lower=$output/minimal
    for upper in "$@"; do
        [ "$upper" != minimal ] || continue
        layer "$upper" "$lower" "make_$upper"
        lower=$output/$upper:$lower
    done
    mkdir "$work/layers" "$work/root"
    mount -t tmpfs tmpfs "$work/layers"
    mkdir "$work/layers/upper" "$work/layers/work"
    mount -t overlay -o "lowerdir=$lower,upperdir=$work/layers/upper,workdir=$work/layers/work" overlay "$work/root" ||
        skip "overlayfs cannot be mounted"
    root=$work/root
    mount_kernel "$root"
}

# ---- systemd in it ----

# Starts the systemd of $root as process 1 of its own namespaces, also without a network beyond its loopback.
start_systemd() {
    hierarchy=/sys/fs/cgroup/unified
    [ -e $hierarchy/cgroup.procs ] || hierarchy=/sys/fs/cgroup
    group=$hierarchy/udpsrv-packaging-$$
    mkdir "$group" 2>/dev/null || skip "a control group of version 2 cannot be made"
    umount "$root/proc" "$root/sys"
    rm -f "$root/usr/sbin/policy-rc.d"
    sh -c 'echo $$ >"$1/cgroup.procs" && exec unshare --mount --pid --fork --uts --ipc --net --cgroup "$2" "$3"' sh \
        "$group" "$top/tests/packaging/init" "$root" >"$work/console" 2>&1 &
    booted=$!
    await 60 first_process
    await 60 is_started
}

is_started() {
    in_systemd systemctl is-system-running | grep -xE 'running|degraded'
}

first_process() {
    init=$(cat "/proc/$booted/task/$booted/children") && init=${init% } && [ -n "$init" ] &&
        [ "$(cat "/proc/$init/comm")" = systemd ]
}

in_systemd() {
    nsenter -t "$init" -m -p -n -u -i -C env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root TERM=dumb "$@"
}

stop_systemd() {
    [ -z "${init:-}" ] || kill -s RTMIN+4 "$init" 2>/dev/null || : # systemd(1): power off
    timeout 20 tail -f /dev/null -s 0.1 --pid="$booted" || kill -9 "$booted"
    booted=""
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
}

# ---- containers ----

# Gives buildah and podman a store below $work, and a hierarchy of control groups of version 2, which crun needs.
containers_here() {
    mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null || skip "control groups of version 2 cannot be mounted"
    mkdir -p "$work/containers"
    cat >"$work/storage.conf" <<EOF
[storage]
driver = "vfs"
graphroot = "$work/containers/graph"
runroot = "$work/containers/run"
EOF
    cat >"$work/containers.conf" <<EOF
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
tmp_dir = "$work/containers/tmp"
EOF
    export CONTAINERS_STORAGE_CONF="$work/storage.conf" CONTAINERS_CONF="$work/containers.conf" BUILDAH_ISOLATION=chroot
}
