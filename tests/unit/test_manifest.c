#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "init/postgres/manifest.h"
#include "init/sys/buf.h"
#include "init/sys/file.h"

#define CORPUS "tests/fuzz/corpus/fuzz_manifest/"

/* The verdict on a recorded manifest, held against two files that came; err.kind 0: it fits. */
static struct err judge(const char *name, uint32_t crc)
{
    char path[256];
    struct err err = {.kind = 0};
    struct manifest *manifest = NULL;
    struct buf text = buf_new(65536);
    struct manifest_expected expected = {
        .system_identifier = 7711229981903399703U, .timeline = 1, .start = 0x2000028};
    struct clone_files *files = clone_files_new();
    uint64_t end = 0;
    (void)snprintf(path, sizeof(path), CORPUS "%s", name);
    assert_true(file_read(path, &text, NULL, &err));
    assert_int_equal(clone_files_add(files, "PG_VERSION", 3, crc), CLONE_FILES_OK);
    assert_int_equal(clone_files_add(files, "base/1/\xff", 0, 0), CLONE_FILES_OK);
    assert_true(manifest_open(&manifest, files, &expected, &err));
    if (manifest_feed(manifest, buf_text(&text), text.len, &err) &&
        manifest_finish(manifest, &end, &err))
        assert_int_equal(end, 0x2000100);
    manifest_close(manifest);
    clone_files_free(files);
    buf_free(&text);
    return err;
}

static void is(const char *name, uint32_t crc, int kind, const char *words)
{
    struct err err = judge(name, crc);
    assert_int_equal(err.kind, kind);
    if (kind != 0 && strstr(err.message, words) == NULL)
        fail_msg("%s: '%s', not '%s'", name, err.message, words);
}

static void both_versions_of_a_manifest_fit_what_came(void **state)
{
    (void)state;
    is("version-1", 0x8c2d1e7a, 0, "");
    is("version-2", 0x8c2d1e7a, 0, "");
}

static void what_differs_is_named(void **state)
{
    (void)state;
    is("version-1", 0x8c2d1e7b, ERR_LATER, "the checksum of 'PG_VERSION' is not the manifest's");
    is("missing", 0x8c2d1e7a, ERR_LATER, "which its manifest does not list");
    is("twice", 0x8c2d1e7a, ERR_LATER, "listed twice");
    is("other-identifier", 0x8c2d1e7a, ERR_REFUSED, "tells the system identifier 1, not");
    is("other-range", 0x8c2d1e7a, ERR_LATER, "its WAL begins elsewhere");
    is("cut", 0x8c2d1e7a, ERR_LATER, "damaged");
    is("checksum", 0x8c2d1e7a, ERR_LATER, "its own checksum does not fit");
}

static void a_hundred_thousand_files_are_found_again(void **state)
{
    (void)state;
    struct clone_files *files = clone_files_new();
    char name[64];
    for (uint32_t i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof(name), "base/16384/%u", i);
        assert_int_equal(clone_files_add(files, name, i, ~i), CLONE_FILES_OK);
    }
    assert_int_equal(clone_files_add(files, name, 1, 1), CLONE_FILES_TWICE);
    assert_non_null(clone_files_unmatched(files));
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t size = i;
        (void)snprintf(name, sizeof(name), "base/16384/%u", i);
        assert_int_equal(clone_files_match(files, name, &size, ~i), CLONE_FILES_OK);
    }
    assert_null(clone_files_unmatched(files));
    assert_int_equal(clone_files_count(files), 100000);
    clone_files_free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_of_a_manifest_fit_what_came),
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(a_hundred_thousand_files_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
