#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/backup_stream.h"

static bool take(struct backup_stream *stream, const char *bytes, size_t len,
                 struct backup_stream_message *message)
{
    return backup_stream_take(stream, (struct span){bytes, len}, message);
}
/* A literal with its NULs, the last one included or not. */
#define WITH_NUL(literal) literal, sizeof(literal)
#define WITHOUT_NUL(literal) literal, sizeof(literal) - 1

static void a_backup_from_begin_to_end(void **state)
{
    struct backup_stream stream = {0};
    struct backup_stream_message message;
    (void)state;
    assert_true(take(&stream, WITH_NUL("n16384.tar.lz4\0/mnt/space"), &message));
    assert_int_equal(message.kind, BACKUP_STREAM_ARCHIVE);
    assert_string_equal(message.archive, "16384.tar.lz4");
    assert_string_equal(message.tablespace, "/mnt/space");
    assert_true(take(&stream, WITHOUT_NUL("dab\0c"), &message));
    assert_int_equal(message.kind, BACKUP_STREAM_DATA);
    assert_int_equal(message.data.len, 4);
    assert_memory_equal(message.data.data, "ab\0c", 4);
    assert_true(take(&stream, WITHOUT_NUL("p\0\0\0\0\1\0\0\2"), &message));
    assert_int_equal(message.kind, BACKUP_STREAM_PROGRESS);
    assert_int_equal(message.progress_bytes, 0x1000002);
    assert_true(take(&stream, WITH_NUL("nbase.tar\0"), &message));
    assert_string_equal(message.archive, "base.tar");
    assert_string_equal(message.tablespace, "");
    assert_true(take(&stream, WITHOUT_NUL("m"), &message));
    assert_int_equal(message.kind, BACKUP_STREAM_MANIFEST);
    assert_true(take(&stream, WITHOUT_NUL("d{ \"PostgreSQL"), &message));
    assert_int_equal(message.data.len, 13);
}

static void malformed_messages_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {WITHOUT_NUL("")},
        {WITHOUT_NUL("x")},
        {WITHOUT_NUL("nbase.tar")},
        {WITHOUT_NUL("nbase.tar\0")},
        {WITHOUT_NUL("nbase.tar\0/x")},
        {WITH_NUL("nbase.tar\0\0x")},
        {WITH_NUL("n\0")},
        {WITH_NUL("n../base.tar\0")},
        {WITH_NUL("n/base.tar\0")},
        {WITH_NUL("n.\0")},
        {WITHOUT_NUL("mx")},
        {WITHOUT_NUL("p")},
        {WITHOUT_NUL("p\0\0\0\0\0\0\0")},
        {WITHOUT_NUL("p\0\0\0\0\0\0\0\0\0")},
        {WITHOUT_NUL("p\xff\xff\xff\xff\xff\xff\xff\xff")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct backup_stream stream = {0};
        struct backup_stream_message message;
        assert_false(take(&stream, cases[i].bytes, cases[i].len, &message));
    }
}

static void messages_out_of_order_are_refused(void **state)
{
    struct backup_stream stream = {0};
    struct backup_stream_message message;
    (void)state;
    assert_false(take(&stream, WITHOUT_NUL("ddata of nothing"), &message));
    stream = (struct backup_stream){0};
    assert_true(take(&stream, WITHOUT_NUL("m"), &message));
    assert_false(take(&stream, WITH_NUL("nbase.tar\0"), &message));
    stream = (struct backup_stream){0};
    assert_true(take(&stream, WITHOUT_NUL("m"), &message));
    assert_false(take(&stream, WITHOUT_NUL("m"), &message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_from_begin_to_end),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(messages_out_of_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
