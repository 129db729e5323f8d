#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/crc32c.h"

#define BIG 40000

/* RFC 3720 B.4; the last two are the check value of the catalogues and the empty text. */
static void the_vectors_of_rfc_3720(void **state)
{
    unsigned char bytes[32] = {0};
    static const unsigned char read_command[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, 0x28, [40] = 0x02,
    };
    (void)state;
    assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(crc32c(0, bytes, 32), 0x113fdb5c);
    assert_int_equal(crc32c(0, read_command, 48), 0xd9963a56);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, NULL, 0), 0);
}

/* One bit at a time, from the definition. */
static uint32_t by_definition(uint32_t crc, const unsigned char *bytes, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static unsigned char *noise(size_t len)
{
    unsigned char *bytes = malloc(len);
    uint32_t seed = 1;
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (unsigned char)(seed >> 16);
    }
    return bytes;
}

/* Every length up to two short blocks of three streams, then past the long ones; at odd addresses.
 */
static void every_length_and_address_is_right(void **state)
{
    unsigned char *bytes = noise(BIG);
    (void)state;
    for (size_t len = 0; len < BIG - 8; len += len < 1600 ? 1 : 997) {
        const unsigned char *at = bytes + len % 8;
        uint32_t right = by_definition(7, at, len);
        assert_int_equal(crc32c(7, at, len), right);
        assert_int_equal(crc32c_portable(7, at, len), right);
    }
    free(bytes);
}

static void pieces_make_the_whole(void **state)
{
    unsigned char *bytes = noise(BIG);
    const uint32_t whole = crc32c(0, bytes, BIG);
    (void)state;
    for (size_t cut = 0; cut <= BIG; cut += 613) {
        assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, BIG - cut), whole);
        assert_int_equal(crc32c_portable(crc32c_portable(0, bytes, cut), bytes + cut, BIG - cut),
                         whole);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_3720),
        cmocka_unit_test(every_length_and_address_is_right),
        cmocka_unit_test(pieces_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
