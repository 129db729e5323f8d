#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "init/sys/clock.h"
#include "init/sys/random.h"

static void a_deadline_lies_its_timeout_after_now(void **state)
{
    (void)state;
    int64_t before = clock_now_ns();
    int64_t deadline = clock_deadline_ns(5000);
    assert_true(deadline >= before + 5 * CLOCK_S);
    assert_true(deadline <= clock_now_ns() + 5 * CLOCK_S);
    assert_false(clock_expired(deadline));
    assert_true(clock_expired(before));
}

static void a_timeout_without_measure_is_no_overflow(void **state)
{
    (void)state;
    assert_true(clock_deadline_ns(INT64_MAX) == INT64_MAX);
    assert_int_equal(clock_left_ms(INT64_MAX), INT_MAX);
}

static void a_part_never_ends_after_the_whole(void **state)
{
    (void)state;
    int64_t deadline = clock_deadline_ns(100);
    assert_true(clock_part_ns(deadline, 5000) == deadline);
    assert_true(clock_part_ns(deadline, 1) < deadline);
}

static void the_time_left_is_rounded_up_and_never_negative(void **state)
{
    (void)state;
    assert_int_equal(clock_left_ms(clock_now_ns() - CLOCK_S), 0);
    int64_t deadline = clock_now_ns() + 50 * CLOCK_MS + 1;
    int left = clock_left_ms(deadline);
    assert_true(left > 0 && left <= 51);
    while (!clock_expired(deadline))
        assert_true(clock_left_ms(deadline) >= 0);
}

static void a_pause_stays_within_a_quarter_of_its_length(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        int64_t before = clock_now_ns();
        assert_true(clock_pause(20, clock_deadline_ns(10000)));
        assert_true(clock_now_ns() - before >= 15 * CLOCK_MS);
    }
}

static void a_pause_ends_at_the_deadline(void **state)
{
    (void)state;
    int64_t deadline = clock_deadline_ns(20);
    assert_false(clock_pause(60000, deadline));
    assert_true(clock_expired(deadline));
    assert_true(clock_now_ns() - deadline < 20 * CLOCK_S);
    assert_false(clock_pause(0, deadline));
}

static void random_numbers_fill_their_range(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t value = random_below(5);
        assert_true(value < 5);
        seen |= 1U << value;
    }
    assert_int_equal(seen, 31);
    assert_int_equal(random_below(1), 0);
    uint64_t a[8] = {0};
    uint64_t b[8] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_lies_its_timeout_after_now),
        cmocka_unit_test(a_timeout_without_measure_is_no_overflow),
        cmocka_unit_test(a_part_never_ends_after_the_whole),
        cmocka_unit_test(the_time_left_is_rounded_up_and_never_negative),
        cmocka_unit_test(a_pause_stays_within_a_quarter_of_its_length),
        cmocka_unit_test(a_pause_ends_at_the_deadline),
        cmocka_unit_test(random_numbers_fill_their_range),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
