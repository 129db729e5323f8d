# ordain's one Makefile; `make help` lists the targets. Nothing recursive: every object of every build is here.

VERSION := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 3600
TEST_TIMEOUT ?= 900
TEST_JOBS ?= $(shell echo $$((2 * $(JOBS))))
# Yours; the project's own flags are kept apart and always there.
CFLAGS ?=
LDFLAGS ?=

SHELL := /bin/bash
.SHELLFLAGS := -euc
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- sources, found by room

ROOMS := roles templates init init/sys init/net init/register init/redis init/postgres
SRC := $(sort $(wildcard roles/*.c templates/*.c init/*.c init/*/*.c))
HEADERS := $(sort $(wildcard roles/*.h templates/*.h init/*.h init/*/*.h))
BUILTIN := $(sort $(wildcard templates/builtin/*))
GEN_SRC := build/gen/builtin.c
GEN_HEADERS := build/gen/versions.h
MAIN := init/main.c
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_HELPERS := $(sort $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*.c))
SCRIPTS := $(sort $(wildcard deps/*.sh deps/recipes/*.sh bench/*.sh .ci/run tests/tap tests/servers/fetch tests/servers/*.sh \
    $(filter-out %.py %.md %.c,$(wildcard tests/check/*))))

# ---- flags

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    -Wformat=2 -Wswitch-enum
PROJECT := -std=c11 -D_GNU_SOURCE -I. $(WARNINGS)
LIBS := -lcurl -lpq -lpgcommon -lpgport -lhiredis_ssl -lhiredis -lcares -lcjson -llz4 -lzstd -lssl -lcrypto -lm
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

# What ships. docs/hardening.md has the price of each flag.
static_CC := build/deps/static/bin/musl-gcc
static_CFLAGS := -Os -fPIE -fomit-frame-pointer -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
    -fno-unwind-tables -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
static_LDFLAGS := -Wl,--gc-sections,--build-id=none,-z,pack-relative-relocs

debug_CC := $(CC)
debug_CFLAGS := -O1 -g -fno-omit-frame-pointer $(SANITIZE)
debug_LDFLAGS := $(SANITIZE)

# For what has threads; the libraries are those without it, so what they do inside is not watched.
tsan_CC := $(CC)
tsan_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
tsan_LDFLAGS := -fsanitize=thread

cov_CC := $(CC)
cov_CFLAGS := -O0 -g --coverage
cov_LDFLAGS := --coverage

# libFuzzer's main is in the fuzzers alone; the objects only carry its counters.
fuzz_CC := $(CLANG)
fuzz_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
fuzz_LDFLAGS := -fsanitize=fuzzer,address,undefined

static_DEPS := static
debug_DEPS := debug
tsan_DEPS := debug
cov_DEPS := debug
fuzz_DEPS := debug

# One short line a step; V=1 shows the commands.
ifeq ($(V),)
QUIET = @printf '  %-8s %s\n' $(1) $@;
endif

# ---- what people type

.PHONY: all setup deps deps-update debug cov fuzz fuzz-replay lint format check-arrows check-binary unit test cli integration servers demo bench \
    soak image image-test reproduce man clean help FORCE

all: build/ordain ## build/ordain, the static binary

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' Makefile

setup: ## install what a Debian machine lacks for building and testing
	@deps/setup.sh build test

deps: build/deps/static.key build/deps/debug.key ## the libraries, static and debug

deps-update: ## take Debian's present revisions into deps/lock (UPSTREAM=1: new versions too)
	@deps/update.sh

debug: build/debug/ordain ## the machine's libc, address and undefined-behaviour sanitizers

clean: ## removes build/; the libraries stay in the cache
	rm -rf build

# ---- the libraries

# Runs each time and costs 50 ms; the .key changes, and with it everything that was built against the old
# libraries, only when something that makes them did.
build/deps/%.key: FORCE
	@mkdir -p $(@D)
	@directory=$$(deps/build.sh $*); \
	if [ "$$(readlink build/deps/$*)" != "$$directory" ] || [ ! -e $@ ]; then \
	    ln -sfn "$$directory" build/deps/$*; echo "$${directory##*-}" >$@; \
	fi

# ---- generated sources

# The texts of templates/builtin/ as C strings, so that the binary needs no file beside it.
build/gen/builtin.c: $(BUILTIN) Makefile
	@mkdir -p $(@D)
	@LC_ALL=C awk ' \
	    BEGIN { print "#include \"templates/builtin.h\"\n" } \
	    FNR == 1 { close_text(); name[++count] = FILENAME; sub(/.*\//, "", name[count]); \
	        printf "static const char text_%d[] =", count; open = 1 } \
	    { gsub(/\\/, "&&"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/\?/, "\\?"); printf "\n    \"%s\\n\"", $$0 } \
	    function close_text() { if (open) print ";\n"; open = 0 } \
	    END { close_text(); print "const struct builtin_template builtin_templates[] = {"; \
	        for (i = 1; i <= count; i++) \
	            printf "    {\"%s\", text_%d, sizeof text_%d - 1},\n", name[i], i, i; \
	        print "    {0},\n};"; printf "const size_t builtin_template_count = %d;\n", count }' \
	    /dev/null $(BUILTIN) >$@

# Every version that --version names, from the lock that the libraries were built from.
build/gen/versions.h: deps/lock Makefile
	@mkdir -p $(@D)
	@awk -v version=$(VERSION) ' \
	    BEGIN { printf "#define ORDAIN_VERSION \"%s\"\n", version; \
	        renamed["postgresql-17"] = "libpq"; renamed["libzstd"] = "zstd" } \
	    !/^#/ && !seen[$$1]++ { name = $$1 in renamed ? renamed[$$1] : $$1; gsub(/-/, "_", name); \
	        printf "#define DEP_%s \"%s\"\n", toupper(name), $$2 }' deps/lock >$@

# ---- one set of rules for each build

# $(call rules,VARIANT): objects in build/VARIANT/obj, all but main in build/VARIANT/libordain.a. -isystem: the libraries'
# headers are not held to our warnings.
define rules
$(1)_OBJ := $$(SRC:%.c=build/$(1)/obj/%.o) build/$(1)/obj/build/gen/builtin.o
$(1)_INCLUDE := build/deps/$$($(1)_DEPS)/include
$(1)_COMPILE = $$($(1)_CC) $$(PROJECT) $$($(1)_CFLAGS) -isystem $$($(1)_INCLUDE) -isystem $$($(1)_INCLUDE)/hiredis \
    -isystem $$($(1)_INCLUDE)/cjson $$(CFLAGS)

build/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$($(1)_COMPILE) $$($(1)_LDFLAGS) $$(LDFLAGS)' | cmp -s - $$@ || \
	    echo '$$($(1)_COMPILE) $$($(1)_LDFLAGS) $$(LDFLAGS)' >$$@

build/$(1)/obj/%.o: %.c build/$(1)/flags build/deps/$$($(1)_DEPS).key | $$(GEN_HEADERS)
	@mkdir -p $$(@D)
	$$(call QUIET,CC) $$($(1)_COMPILE) -MMD -MP -c $$< -o $$@

# One string literal a file, longer than the C standard promises; every compiler takes it.
build/$(1)/obj/build/gen/builtin.o: PROJECT += -Wno-overlength-strings

build/$(1)/libordain.a: $$(filter-out build/$(1)/obj/$$(MAIN:.c=.o),$$($(1)_OBJ))
	$$(call QUIET,AR) rm -f $$@; ar rcs $$@ $$^

-include $$($(1)_OBJ:.o=.d)
endef
$(foreach variant,static debug tsan cov fuzz,$(eval $(call rules,$(variant))))

$(foreach variant,debug cov,$(eval build/$(variant)/ordain: $$($(variant)_OBJ) ; \
    $$(call QUIET,LD) $$($(variant)_CC) $$($(variant)_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ -Lbuild/deps/debug/lib $$(LIBS)))

build/static/ordain: $(static_OBJ)
	$(call QUIET,LD) $(static_CC) $(static_CFLAGS) $(CFLAGS) $(static_LDFLAGS) $(LDFLAGS) -o $@ $^ -Lbuild/deps/static/lib $(LIBS)

# The symbols stay in build/static/ordain for whoever debugs what ships.
build/ordain: build/static/ordain
	$(call QUIET,STRIP) strip -s -R .comment -R .note.gnu.property -o $@ $<

# ---- unit tests and fuzzers: one program a file

UNITS := $(UNIT_SRC:tests/unit/%.c=build/unit/%)
FUZZERS := $(FUZZ_SRC:tests/fuzz/%.c=build/fuzz/%)

unit: $(UNITS) ## build and run the unit tests
	@prove -e tests/tap $(UNITS)

# A file test_x.ldflags beside test_x.c adds to its link (-Wl,--wrap=malloc, say).
define unit_rules
build/$(1)/tests/%.o: tests/unit/%.c build/$(2)/flags build/deps/debug.key | $$(GEN_HEADERS)
	@mkdir -p $$(@D)
	$$(call QUIET,CC) $$($(2)_COMPILE) -MMD -MP -c $$< -o $$@

build/$(1)/test_%: build/$(1)/tests/test_%.o $$(UNIT_HELPERS:tests/unit/%.c=build/$(1)/tests/%.o) build/$(2)/libordain.a
	$$(call QUIET,LD) $$($(2)_CC) $$($(2)_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(addprefix @,$$(wildcard tests/unit/test_$$*.ldflags)) \
	    -Lbuild/deps/debug/lib -lcmocka $$(LIBS)

-include $$(wildcard build/$(1)/tests/*.d)
endef
$(eval $(call unit_rules,unit,debug))
$(eval $(call unit_rules,cov-unit,cov))
.SECONDARY:

build/fuzz/%: tests/fuzz/%.c build/fuzz/libordain.a build/fuzz/flags
	$(call QUIET,FUZZER) $(fuzz_COMPILE) $(fuzz_LDFLAGS) -MMD -MP -MF build/fuzz/$*.fuzzer.d -o $@ $< build/fuzz/libordain.a \
	    -Lbuild/deps/debug/lib $(LIBS)
-include $(wildcard build/fuzz/*.fuzzer.d)

fuzz: $(FUZZERS) ## run each fuzzer for FUZZ_SECONDS
	@for fuzzer in $(FUZZERS); do \
	    corpus=tests/fuzz/corpus/$${fuzzer##*/}; mkdir -p "build/fuzz/corpus/$${fuzzer##*/}" "$$corpus"; \
	    echo "$$fuzzer: $(FUZZ_SECONDS) s"; \
	    "$$fuzzer" -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=build/fuzz/ \
	        "build/fuzz/corpus/$${fuzzer##*/}" "$$corpus"; \
	done

fuzz-replay: $(FUZZERS) ## every fuzzer over its recorded inputs
	@prove -e tests/tap $(FUZZERS)

# ---- tests

BENCHES := $(sort $(filter-out %.sh %.py %.c %.md bench/__pycache__,$(wildcard bench/*)))
CLI := $(sort $(wildcard tests/cli/*.bats))
INTEGRATION := $(sort $(wildcard tests/integration/test_*.py))
SOAK := $(sort $(wildcard tests/soak/*.py)) $(INTEGRATION)
# Each integration test has a world of its own (tests/lab) and mostly waits; so more files at a time than processors.
PROVE = TEST_TIMEOUT=$(TEST_TIMEOUT) prove -j $(TEST_JOBS) -e tests/tap

cli: all debug ## the command-line tests, on the static and on the sanitized binary
	@$(PROVE) $(CLI) $(CLI:%=debug:%)

servers: setup ## Redis 8.0, Valkey 8.1 and Postgres 13 to 18 for the tests, beside the machine's own
	@tests/servers/fetch >/dev/null

integration: all servers ## the tests with real servers, on the static binary
	@$(PROVE) $(INTEGRATION)

test: setup servers lint check-arrows check-binary all debug $(UNITS) $(FUZZERS) ## everything that CI runs
	@$(PROVE) $(UNITS) $(FUZZERS) $(CLI) $(CLI:%=debug:%) $(INTEGRATION)

cov: build/cov/ordain $(UNITS:build/unit/%=build/cov-unit/%) ## line and branch coverage of unit and command-line tests
	@find build/cov build/cov-unit -name '*.gcda' -delete
	@status=0; $(PROVE) $(UNITS:build/unit/%=build/cov-unit/%) $(CLI:%=cov:%) || status=$$?; \
	gcovr --root . --object-directory build/cov --filter roles/ --filter templates/ --filter init/ \
	    --sort-percentage --html-details build/cov/index.html --txt build/cov/report.txt --print-summary build/cov; \
	echo 'build/cov/report.txt and build/cov/index.html have the lines'; exit $$status

demo: setup all ## a Redis Cluster and a replicated Postgres on this machine, made by ordain
	@tests/demo

bench: setup all ## side-by-side figures, also kept in build/bench/ (bench/hardening.sh is apart: it builds for long)
	@mkdir -p build/bench; for bench in $(BENCHES); do "$$bench" | tee "build/bench/$${bench##*/}.md"; done

soak: setup servers all ## tests/soak/ and the integration tests again and again for SOAK_SECONDS
	@round=0; while [ $$SECONDS -lt $(SOAK_SECONDS) ]; do \
	    round=$$((round + 1)); echo "soak: round $$round, $$SECONDS s of $(SOAK_SECONDS)"; \
	    TEST_TIMEOUT=$(SOAK_SECONDS) prove -e tests/tap $(SOAK); \
	done

# ---- checks

lint: setup compile_commands.json build/deps/debug.key $(GEN_SRC) $(GEN_HEADERS) ## format, warnings of two compilers, static analysis, shell scripts
	@tests/check/lint

format: ## let clang-format write
	clang-format -i $(SRC) $(HEADERS) $(UNIT_SRC) $(UNIT_HELPERS) $(FUZZ_SRC) $(wildcard tests/unit/*.h tests/fuzz/*.h)

check-arrows: $(static_OBJ) ## the core is pure, each vendor header has one home
	@tests/check/arrows

check-binary: all ## build/ordain is static, hardened and small
	@tests/check/binary

compile_commands.json: build/debug/flags $(SRC) $(UNIT_SRC) $(FUZZ_SRC) $(UNIT_HELPERS)
	@{ echo '['; comma=; for file in $(SRC) $(UNIT_SRC) $(UNIT_HELPERS) $(FUZZ_SRC); do \
	    printf '%s{"directory": "%s", "file": "%s", "command": "%s -c %s"}\n' "$$comma" "$$PWD" "$$file" \
	        '$(debug_COMPILE)' "$$file"; comma=,; \
	done; echo ']'; } >$@

reproduce: all ## two builds in two directories are the same file
	@tests/check/reproduce

# ---- the image and the manual page

image: ## the container image, by docker
	docker build --tag ordain:$(VERSION) --build-arg VERSION=$(VERSION) .

image-test: all ## builds the image with a docker of its own and runs it
	@deps/setup.sh build image
	@VERSION=$(VERSION) tests/check/image

man: build/ordain.1 ## the manual page

build/ordain.1: build/ordain
	$(call QUIET,MAN) build/ordain --man >$@
