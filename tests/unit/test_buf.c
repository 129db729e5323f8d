#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/sys/buf.h"

/* Linked with --wrap=realloc: fails while failing is set. */
static bool failing;
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    return failing ? NULL : __real_realloc(memory, size);
}

static void a_new_buffer_is_an_empty_text_without_memory(void **state)
{
    (void)state;
    struct buf buf = buf_new(100);
    assert_string_equal(buf_text(&buf), "");
    assert_null(buf.data);
    assert_true(buf_ok(&buf));
    buf_add(&buf, "", 0);
    assert_string_equal(buf_text(&buf), "");
    buf_free(&buf);
}

static void additions_follow_one_another(void **state)
{
    (void)state;
    struct buf buf = buf_new(1000);
    buf_add_text(&buf, "slots ");
    buf_printf(&buf, "%d-%d", 0, 5460);
    buf_add(&buf, "\0x", 2);
    assert_int_equal(buf.len, 14);
    assert_memory_equal(buf.data, "slots 0-5460\0x", 15);
    buf_free(&buf);
    assert_string_equal(buf_text(&buf), "");
}

static void exactly_the_cap_fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 300; cap++) {
        struct buf buf = buf_new(cap);
        for (size_t i = 0; i < cap; i++)
            buf_add(&buf, "a", 1);
        assert_true(buf_ok(&buf));
        assert_int_equal(buf.len, cap);
        buf_add(&buf, "b", 1);
        assert_false(buf_ok(&buf));
        assert_int_equal(strlen(buf_text(&buf)), cap);
        buf_free(&buf);
    }
}

static void a_full_buffer_takes_nothing_more_until_it_is_cleared(void **state)
{
    (void)state;
    struct buf buf = buf_new(4);
    buf_add_text(&buf, "12345");
    buf_add_text(&buf, "1");
    buf_printf(&buf, "%d", 1);
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), "");
    buf_clear(&buf);
    buf_add_text(&buf, "1234");
    assert_true(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), "1234");
    buf_free(&buf);
}

static void without_memory_it_is_full_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct buf buf = buf_new(1000);
    buf_add_text(&buf, "kept");
    char more[100];
    memset(more, 'x', sizeof more);
    failing = true;
    buf_add(&buf, more, sizeof more);
    failing = false;
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_text(&buf), "kept");
    buf_free(&buf);
}

static void a_cap_at_the_end_of_the_numbers_does_no_harm(void **state)
{
    (void)state;
    struct buf buf = buf_new(SIZE_MAX / 2);
    buf_add_text(&buf, "a");
    assert_string_equal(buf_text(&buf), "a");
    buf_add(&buf, "a", SIZE_MAX / 2);
    assert_false(buf_ok(&buf));
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_is_an_empty_text_without_memory),
        cmocka_unit_test(additions_follow_one_another),
        cmocka_unit_test(exactly_the_cap_fits_and_one_byte_more_does_not),
        cmocka_unit_test(a_full_buffer_takes_nothing_more_until_it_is_cleared),
        cmocka_unit_test(without_memory_it_is_full_and_keeps_what_it_has),
        cmocka_unit_test(a_cap_at_the_end_of_the_numbers_does_no_harm),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
