#!/usr/bin/env bats
# The completion scripts in real shells.

load common

setup() {
    begin
    "$ORDAIN" completion bash >bash.sh
    "$ORDAIN" completion zsh >_ordain
}

# bash_completes WORD...: what a new bash offers for the last word, one a line
bash_completes() {
    bash --norc -eu -c 'source ./bash.sh; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ordain
        ((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}

# zsh_completes LINE: what a zsh on a terminal makes of LINE and a tabulator
zsh_completes() {
    python3 - "$1" <<'P'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(ZDOTDIR=os.getcwd(), TERM="dumb", COLUMNS="200", LINES="50")
    os.execvp("zsh", ["zsh", "-f", "-i"])
def read_until(mark, seconds=20):
    text, end = b"", time.monotonic() + seconds
    while not re.search(mark, text) and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                text += os.read(fd, 65536)
            except OSError:
                break
    return text
os.write(fd, b"PS1='ready'; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -d $PWD/dump; echo lo''aded\n")
read_until(rb"loaded\r\n")
os.write(fd, sys.argv[1].encode() + b"\t")
# the line as the editor leaves it goes back to us
os.write(fd, b"\x01print -r -- '<\x05>'\n")
line = re.search(rb"\n<([^\n]*)>\r*\n", read_until(rb"\n<[^\n]*>\r*\n"))
print(line[1].decode() if line else "nothing")
os.write(fd, b"exit\n")
P
}

@test "bash completes commands" {
    [ "$(bash_completes ordain pro | xargs)" = "probe promote" ]
    [ "$(bash_completes ordain '' | sort | head -n 4 | tail -n 1)" != "" ]
    [ "$(bash_completes ordain '' | wc -l)" = 17 ]
    [ "$(bash_completes ordain help pe | sort | xargs)" = "peers perms" ]
    [ "$(bash_completes ordain --v)" = --version ]
}

@test "bash completes engines, operands and flags of the command" {
    [ "$(bash_completes ordain init r)" = redis ]
    [ "$(bash_completes ordain probe redis l)" = liveness ]
    [ "$(bash_completes ordain plan f)" = form ]
    [ "$(bash_completes ordain completion b)" = bash ]
    [ "$(bash_completes ordain init redis --repl)" = --replicas ]
    [ "$(bash_completes ordain init redis --po | sort | xargs)" = "--pod-management --port" ]
    [ "$(bash_completes ordain init postgres --po | sort | xargs)" = "--pod-management --port" ]
    [ "$(bash_completes ordain init postgres --pgd)" = --pgdata ]
    [ "$(bash_completes ordain init redis --pgd)" = "" ]
    [ "$(bash_completes ordain peers --redis-po)" = --redis-port ]
    [ "$(bash_completes ordain perms --repl)" = "" ]
}

@test "bash completes the values of a flag" {
    [ "$(bash_completes ordain init redis --pod-management P)" = Parallel ]
    [ "$(bash_completes ordain init redis --log-format = j)" = json ]
    [ "$(bash_completes ordain init redis --log-format = | xargs)" = "text json" ]
    mkdir 'a dir'
    [ "$(bash_completes ordain init redis --data-dir a)" = 'a dir' ]
}

@test "bash completes commands behind --" {
    bash_completes ordain exec redis -- env | grep -qx env
}

@test "a real bash offers them when it is asked to" {
    run bash --norc -i -c 'source ./bash.sh; complete -p ordain' 2>/dev/null
    [[ ${lines[*]} == *'-F _ordain ordain'* ]]
}

@test "zsh takes the script without a complaint" {
    zsh -f -n _ordain
}

@test "zsh completes commands, engines, flags and values" {
    zsh_completes 'ordain prob' | grep -q '^ordain probe *$'
    zsh_completes 'ordain init r' | grep -q '^ordain init redis *$'
    zsh_completes 'ordain init redis --replic' | grep -q '^ordain init redis --replicas=\?'
    zsh_completes 'ordain init redis --pod-management=P' | grep -q '^ordain init redis --pod-management=Parallel'
    zsh_completes 'ordain init postgres --pgd' | grep -q '^ordain init postgres --pgdata=\?'
    zsh_completes 'ordain probe redis li' | grep -q '^ordain probe redis liveness *$'
}

@test "an unknown shell is 64" {
    for words in '' fish 'bash zsh'; do
        status=0
        # shellcheck disable=SC2086 # words
        "$ORDAIN" completion $words 2>/dev/null || status=$?
        [ "$status" = 64 ]
    done
}
