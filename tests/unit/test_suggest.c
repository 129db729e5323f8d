#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init/suggest.h"

static void the_nearest_word_is_offered(void **state)
{
    (void)state;
    struct suggestion suggestion = suggest_start("staus", 5);
    suggest_offer(&suggestion, "init");
    suggest_offer(&suggestion, "status");
    suggest_offer(&suggestion, "stats");
    assert_string_equal(suggestion.best, "status");
    assert_int_equal(suggestion.distance, 1);
}

static void nothing_is_near_a_long_or_an_empty_word(void **state)
{
    (void)state;
    char word[200];
    memset(word, 'a', sizeof word);
    struct suggestion suggestion = suggest_start(word, sizeof word);
    suggest_offer(&suggestion, "aaaa");
    assert_null(suggestion.best);
    suggestion = suggest_start("", 0);
    suggest_offer(&suggestion, "a");
    assert_null(suggestion.best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_word_is_offered),
        cmocka_unit_test(nothing_is_near_a_long_or_an_empty_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
