#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/control_file.h"
#include "roles/crc32c.h"
#include "tests/unit/golden.h"

/* tests/golden/pg_control: the first 512 bytes of what initdb of each version leaves. */
static void read_golden(int major, unsigned char bytes[static CONTROL_FILE_BYTES])
{
    char name[32];
    size_t len;
    (void)snprintf(name, sizeof(name), "pg_control/%d", major);
    char *file = golden_read(name, &len);
    assert_int_equal(len, CONTROL_FILE_BYTES);
    memcpy(bytes, file, len);
    free(file);
}

static void put_u32(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

static void put_crc(unsigned char *bytes, size_t at)
{
    put_u32(bytes + at, crc32c(0, bytes, at));
}

static enum control_file_status parse(const unsigned char *bytes)
{
    struct control_file control;
    return control_file_parse(&control, bytes, CONTROL_FILE_BYTES);
}

static void each_version_is_read(void **state)
{
    static const struct {
        int major;
        uint32_t version, catalog;
        uint64_t system_identifier, checkpoint;
        uint32_t segment_bytes;
    } cases[] = {
        {13, 1300, 202007201, 7711415445090790393, 0x1813e48, 16 << 20},
        {14, 1300, 202107181, 7711415448497413213, 0x1943190, 16 << 20},
        {15, 1300, 202209061, 7711415453044235425, 0x17414d0, 16 << 20},
        {16, 1300, 202307071, 7711415456159309081, 0x4720fa0, 64 << 20},
        {17, 1700, 202406281, 7711415457674083626, 0x17218a0, 16 << 20},
        {18, 1800, 202506291, 7711415459141119291, 0x174b250, 16 << 20},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned char bytes[CONTROL_FILE_BYTES];
        struct control_file control;
        read_golden(cases[i].major, bytes);
        assert_int_equal(control_file_parse(&control, bytes, sizeof(bytes)), CONTROL_FILE_OK);
        assert_int_equal(control.version, cases[i].version);
        assert_int_equal(control.catalog_version, cases[i].catalog);
        assert_int_equal(control.system_identifier, cases[i].system_identifier);
        assert_int_equal(control.state, CONTROL_FILE_SHUT_DOWN);
        assert_true(control_file_is_clean(&control));
        assert_int_equal(control.checkpoint, cases[i].checkpoint);
        assert_int_equal(control.redo, cases[i].checkpoint);
        assert_int_equal(control.timeline, 1);
        assert_int_equal(control_file_timeline(&control), 1);
        assert_int_equal(control.segment_bytes, cases[i].segment_bytes);
        assert_int_equal(control.wal_block_bytes, 8192);
        assert_int_equal(control.block_bytes, 8192);
        assert_int_equal(control.checksum_version, 1);
        assert_int_equal(control.wal_level, 1);
        assert_false(control.wal_log_hints);
        assert_int_equal(control.max_connections, 100);
        assert_int_equal(control.max_worker_processes, 8);
        assert_int_equal(control.max_wal_senders, 10);
        assert_int_equal(control.max_prepared_xacts, 0);
        assert_int_equal(control.max_locks_per_xact, 64);
    }
}

static void the_timeline_is_the_higher_of_two(void **state)
{
    struct control_file control = {.timeline = 1, .min_recovery_timeline = 2};
    (void)state;
    assert_int_equal(control_file_timeline(&control), 2); /* right after a promotion */
    control = (struct control_file){.timeline = 3, .min_recovery_timeline = 0};
    assert_int_equal(control_file_timeline(&control), 3);
}

static void every_flipped_bit_is_seen(void **state)
{
    unsigned char bytes[CONTROL_FILE_BYTES];
    (void)state;
    for (int major = 13; major <= 18; major++) {
        read_golden(major, bytes);
        size_t end = major == 18 ? 296 : 292;
        for (size_t bit = 0; bit < 8 * end; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_int_not_equal(parse(bytes), CONTROL_FILE_OK);
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        assert_int_equal(parse(bytes), CONTROL_FILE_OK);
    }
}

static void a_short_or_empty_file_is_told(void **state)
{
    unsigned char bytes[CONTROL_FILE_BYTES] = {0};
    struct control_file control;
    (void)state;
    assert_int_equal(parse(bytes), CONTROL_FILE_BAD_CRC); /* zeros: a file that was never written */
    read_golden(15, bytes);
    assert_int_equal(control_file_parse(&control, bytes, 511), CONTROL_FILE_TOO_SHORT);
    assert_int_equal(control_file_parse(&control, NULL, 0), CONTROL_FILE_TOO_SHORT);
}

/* A version to come: some more fields before the checksum. */
static void an_unknown_version_is_read_where_one_checksum_fits(void **state)
{
    unsigned char bytes[CONTROL_FILE_BYTES];
    (void)state;
    for (size_t at = 256; at <= 508; at += 4) {
        read_golden(18, bytes);
        memset(bytes + 292, 0, sizeof(bytes) - 292);
        put_u32(bytes + 8, 1900);
        put_crc(bytes, at);
        assert_int_equal(parse(bytes), CONTROL_FILE_OK);
    }
    put_u32(bytes + 16, 5); /* no checksum any more */
    assert_int_equal(parse(bytes), CONTROL_FILE_BAD_CRC);
}

static void two_checksums_or_moved_fields_are_an_unknown_layout(void **state)
{
    unsigned char bytes[CONTROL_FILE_BYTES];
    (void)state;
    read_golden(18, bytes);
    put_u32(bytes + 8, 1900);
    put_crc(bytes, 292);
    put_crc(bytes, 304);
    assert_int_equal(parse(bytes), CONTROL_FILE_UNKNOWN_LAYOUT);
    read_golden(18, bytes);
    put_u32(bytes + 8, 1900);
    memmove(bytes + 180 + 8, bytes + 180, 112); /* one field more before the limits */
    put_crc(bytes, 300);
    assert_int_equal(parse(bytes), CONTROL_FILE_UNKNOWN_LAYOUT);
}

static void a_known_version_is_held_to_its_layout(void **state)
{
    unsigned char bytes[CONTROL_FILE_BYTES];
    (void)state;
    read_golden(18, bytes);
    put_u32(bytes + 8, 1700);
    put_crc(bytes, 292);
    assert_int_equal(parse(bytes), CONTROL_FILE_BAD_CRC);
}

static void the_other_byte_order_is_told(void **state)
{
    unsigned char bytes[CONTROL_FILE_BYTES];
    (void)state;
    read_golden(15, bytes);
    memcpy(bytes + 8, "\0\0\x05\x14", 4); /* 1300 */
    assert_int_equal(parse(bytes), CONTROL_FILE_FOREIGN_ENDIAN);
}

static void values_that_cannot_be_are_told(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {
        {228, 0         },
        {228, 1 << 19   },
        {228, 3 << 20   },
        {228, 1U << 31  },
        {224, 0         },
        {224, 512       },
        {224, 1 << 17   },
        {216, 12345     },
        {16,  7         },
        {16,  UINT32_MAX},
        {48,  0         }, /* no timeline */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned char bytes[CONTROL_FILE_BYTES];
        read_golden(15, bytes);
        put_u32(bytes + cases[i].at, cases[i].value);
        put_crc(bytes, 288);
        assert_int_equal(parse(bytes), CONTROL_FILE_IMPLAUSIBLE);
    }
}

static void states_are_named_as_pg_controldata_does(void **state)
{
    (void)state;
    assert_string_equal(control_file_state_name(CONTROL_FILE_IN_PRODUCTION), "in production");
    assert_string_equal(control_file_state_name(CONTROL_FILE_SHUT_DOWN_IN_RECOVERY),
                        "shut down in recovery");
    struct control_file control = {.state = CONTROL_FILE_IN_PRODUCTION};
    assert_false(control_file_is_clean(&control));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_version_is_read),
        cmocka_unit_test(the_timeline_is_the_higher_of_two),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(a_short_or_empty_file_is_told),
        cmocka_unit_test(an_unknown_version_is_read_where_one_checksum_fits),
        cmocka_unit_test(two_checksums_or_moved_fields_are_an_unknown_layout),
        cmocka_unit_test(a_known_version_is_held_to_its_layout),
        cmocka_unit_test(the_other_byte_order_is_told),
        cmocka_unit_test(values_that_cannot_be_are_told),
        cmocka_unit_test(states_are_named_as_pg_controldata_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
