#!/usr/bin/env bats
# What the docs say of the program, where a program can tell; docs/settings.md: settings.bats.

load common

@test "docs/postgres.md has each refusal and each wait of a start, and no other" {
    python3 "$BATS_TEST_DIRNAME/../check/docs"
}

@test "the templates to copy name the program as the image has it" {
    cd "$BATS_TEST_DIRNAME/../.."
    grep -q 'ENTRYPOINT \["/bin/ordain"\]' Dockerfile
    for file in README.md docs/postgres.md; do
        [ "$(grep -c 'args: \[init, .*--install, /ordain/bin\]' "$file")" = 1 ]
        not grep -n 'command: \[/ordain,' "$file"
    done
}
