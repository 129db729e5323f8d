#!/bin/bash
# bench/hardening.sh: what each hardening flag costs in bytes and in processor time of one exec, measured by building
# the program and every library anew for each row and by running `--version` many times. Rows add up.
# Prints the table of docs/hardening.md. Some 15 minutes on two cores; nothing is left but the cache.
set -eu
cd "${0%/*}/.."
runs=${RUNS:-2000}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$tree"

base='-Os -fomit-frame-pointer -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables'
link='-Wl,--gc-sections,--build-id=none'
names=()

# row NAME COMPILER-FLAGS LINKER-FLAGS [PROJECT-FLAGS]: PROJECT-FLAGS are for the program alone.
row() {
    local file=$tree/ordain-${#names[@]}
    names+=("$1")
    rm -rf "$tree/build"
    ORDAIN_DEPS_CFLAGS="$2" make -C "$tree" -s -j "$(nproc)" build/ordain static_CFLAGS="$2 ${4:-}" static_LDFLAGS="$3" \
        CFLAGS="${CFLAGS:-}" >"$tree/log" 2>&1 || {
        tail -n 20 "$tree/log" >&2
        exit 1
    }
    mv "$tree/build/ordain" "$file"
    echo "$1: $(stat -c %s "$file") bytes" >&2
}

ssp=-fstack-protector-strong
clash=-fstack-clash-protection
init=-ftrivial-auto-var-init=zero
relr=-Wl,-z,pack-relative-relocs
row 'none: fixed address' "$base -fno-pie -no-pie" "$link -no-pie"
row '+ PIE, bound at once, RELRO' "$base -fPIE" "$link"
row '+ packed relocations' "$base -fPIE" "$link $relr"
row '+ -fstack-protector-strong' "$base -fPIE $ssp" "$link $relr"
row '+ -fstack-clash-protection' "$base -fPIE $ssp $clash" "$link $relr"
row '+ -ftrivial-auto-var-init=zero: **what ships**' "$base -fPIE $ssp $clash $init" "$link $relr"
row 'what ships and -fcf-protection' "$base -fPIE $ssp $clash $init -fcf-protection" "$link $relr"
row 'what ships, own code at -O2' "$base -fPIE $ssp $clash $init" "$link $relr" -O2

# In turns, so that a busy moment falls on all rows alike; processor time, not wall time.
python3 - "$runs" "$tree" "${names[@]}" <<'PYTHON'
import os
import resource
import sys

runs, tree, names = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
programs = [f"{tree}/ordain-{number}" for number in range(len(names))]
samples = [[] for _ in names]
for _ in range(runs):
    for number, program in enumerate(programs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.waitpid(os.posix_spawn(program, [program, "--version"], {}, file_actions=quiet), 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        samples[number].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

print("| flags | bytes | one exec, median CPU | lowest |")
print("|---|---|---|---|")
for name, program, times in zip(names, programs, samples):
    times.sort()
    print(f"| {name} | {os.path.getsize(program):,} | {times[len(times) // 2] * 1000:.3f} ms | {times[0] * 1000:.3f} ms |")
PYTHON
