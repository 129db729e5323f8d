# What the command-line tests share; each file begins with `load common`.

# In a directory of its own, without the machine's own settings.
begin() {
    ORDAIN=${ORDAIN:-$BATS_TEST_DIRNAME/../../build/ordain}
    cd "$BATS_TEST_TMPDIR" || return 1
    for name in ${!ORDAIN_*} ${!POD_*}; do
        unset "$name"
    done
}

# bash does not count "! command" as a failure
not() {
    ! "$@"
}

# expect STATUS COMMAND...: runs with stdout and stderr kept apart, in out and err
expect() {
    local wanted=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    if [ "$status" != "$wanted" ]; then
        echo "status $status instead of $wanted: $*"
        cat out err
        return 1
    fi
}

# refused STATUS TEXT COMMAND...: nothing on stdout, one line on stderr with TEXT in it
refused() {
    local text=$2
    expect "$1" "${@:3}" || return 1
    if [ -s out ] || [ "$(wc -l <err)" != 1 ] || [[ $(cat err) != *"$text"* ]]; then
        echo "no single line with: $text"
        cat out err
        return 1
    fi
}
