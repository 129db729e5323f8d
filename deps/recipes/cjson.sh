# JSON of the Kubernetes API. One file; its own build system adds nothing.
# shellcheck shell=bash disable=SC2154

build() {
    # shellcheck disable=SC2086 # a list
    $CC -std=c99 $cflags -c ../src/cJSON.c -o cJSON.o
    ar rcs "$out/lib/libcjson.a" cJSON.o
    mkdir "$out/include/cjson"
    cp ../src/cJSON.h "$out/include/cjson/"
}
