# Compiler flags of the libraries, by variant; sourced by build.sh with $variant set. The program's own flags are
# in the Makefile. What each hardening flag costs is measured in docs/hardening.md.
# shellcheck shell=bash disable=SC2034,SC2154

hardening='-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero'
case $variant in
static)
    # What ships: musl, position independent, small, without unwind tables (nothing unwinds).
    cc=musl-gcc
    libc=musl
    cflags="-Os -fPIE -fomit-frame-pointer -ffunction-sections -fdata-sections"
    cflags="$cflags -fno-asynchronous-unwind-tables -fno-unwind-tables $hardening"
    ;;
debug)
    # For the tests under sanitizers, coverage and the fuzzers: the machine's libc, our code instrumented, these
    # libraries not (they are not what is being tested, and their own code is full of deliberate wrap-around).
    cc=gcc
    libc=gnu
    cflags='-O1 -g -fPIE -fno-omit-frame-pointer'
    ;;
*) die "no variant '$variant'; there are static and debug" ;;
esac
cflags=${ORDAIN_DEPS_CFLAGS:-$cflags}

# A fixed date instead of the clock for whatever puts one into an object (OpenSSL does).
epoch=1735689600
