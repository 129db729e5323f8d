#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/net/addr.h"
#include "init/net/addr_set.h"

static struct addr parsed(const char *text)
{
    struct addr addr = {.family = ADDR_NONE};
    if (!addr_parse(&addr, text))
        fail_msg("'%s' is no address", text);
    return addr;
}

static void check(const char *text, enum addr_family family, const char *canonical)
{
    struct addr addr = parsed(text);
    assert_int_equal(addr.family, family);
    assert_string_equal(addr.text, canonical);
}

static void addresses_get_their_canonical_text(void **state)
{
    (void)state;
    check("10.0.0.1", ADDR_IPV4, "10.0.0.1");
    check("255.255.255.255", ADDR_IPV4, "255.255.255.255");
    check("FD00:0:0:0:0:0:0:1", ADDR_IPV6, "fd00::1");
    check("fd00::0001", ADDR_IPV6, "fd00::1");
    check("2001:db8:0:1:1:1:1:1", ADDR_IPV6, "2001:db8:0:1:1:1:1:1");
    check("::", ADDR_IPV6, "::");
}

static void mapped_ipv6_is_ipv4(void **state)
{
    (void)state;
    check("::ffff:10.0.0.1", ADDR_IPV4, "10.0.0.1");
    check("::FFFF:0a00:0001", ADDR_IPV4, "10.0.0.1");
}

static void what_is_no_literal_address_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           " 10.0.0.1",    "10.0.0.1 ",     "10.0.0.1\n",  "10.0.0",      "10.0.0.256",
        "10.0.0.1.1", "010.0.0.1",    "0x0a.0.0.1",    "10.0.0.1/24", "10.0.0.1:80", "[fd00::1]",
        "fd00::1%lo", "fe80::1%eth0", "fd00::1::1",    "12345::",     "fd00:1",      "localhost",
        "$(POD_IP)",  "10.0.0.-1",    "::ffff:10.0.0", "\xff",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct addr addr = {.family = ADDR_NONE};
        if (addr_parse(&addr, texts[i]))
            fail_msg("'%s' is taken for %s", texts[i], addr.text);
        assert_int_equal(addr.family, ADDR_NONE);
    }
}

static void only_what_a_peer_can_reach_is_usable(void **state)
{
    (void)state;
    static const char *const good[] = {
        "10.0.0.1",        "192.168.1.1", "172.16.0.1", "100.64.0.1",  "240.0.0.1",
        "255.255.255.254", "8.8.8.8",     "1.0.0.0",    "223.255.0.1", "169.253.0.1",
        "fd00::1",         "2001:db8::1", "fec0::1",    "::2",         "::ffff:10.0.0.1"};
    static const char *const bad[] = {
        "0.0.0.0",
        "0.0.0.1",
        "127.0.0.1",
        "127.255.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "169.254.1.1",
        "255.255.255.255",
        "::ffff:127.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct addr addr = parsed(good[i]);
        if (!addr_is_usable(&addr))
            fail_msg("%s is not usable", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct addr addr = parsed(bad[i]);
        if (addr_is_usable(&addr))
            fail_msg("%s is usable", bad[i]);
    }
    struct addr none = {.family = ADDR_NONE};
    assert_false(addr_is_usable(&none));
}

static void the_order_is_by_number_ipv4_first(void **state)
{
    (void)state;
    static const char *const order[] = {"9.0.0.1",     "10.0.0.2",  "10.0.0.10",
                                        "10.0.1.1",    "200.0.0.1", "::2",
                                        "2001:db8::a", "fd00::9",   "fd00::10"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        for (size_t j = 0; j < sizeof order / sizeof *order; j++) {
            struct addr a = parsed(order[i]);
            struct addr b = parsed(order[j]);
            int compared = addr_compare(&a, &b);
            assert_true(i < j ? compared < 0 : i > j ? compared > 0 : compared == 0);
            assert_int_equal(addr_equal(&a, &b), i == j);
        }
    }
}

/* Adds COUNT addresses of which each of the 256 last bytes may come, in an order of SEED's. */
static void add_many(struct addr_set *set, unsigned seed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct addr addr;
        unsigned char bytes[4] = {10, 0, 0, 0};
        seed = seed * 1103515245U + 12345U;
        bytes[3] = (unsigned char)(seed >> 16);
        assert_true(addr_from_bytes(&addr, ADDR_IPV4, bytes));
        addr_set_add(set, &addr);
    }
}

static void a_set_is_in_order_with_each_address_once(void **state)
{
    (void)state;
    struct addr_set set = {.max = 1000};
    add_many(&set, 1, 5000);
    assert_int_equal(set.count, 256);
    for (size_t i = 1; i < set.count; i++)
        assert_true(addr_compare(&set.addrs[i - 1], &set.addrs[i]) < 0);
    free(set.addrs);
}

static void a_full_set_keeps_the_least_whatever_the_order(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        struct addr places[9];
        memset(&places[8], 0x5a, sizeof places[8]);
        struct addr_set set = {.addrs = places, .size = 8, .max = 8};
        add_many(&set, seed, 5000);
        assert_int_equal(set.count, 8);
        assert_string_equal(set.addrs[0].text, "10.0.0.0");
        assert_string_equal(set.addrs[7].text, "10.0.0.7");
        assert_int_equal(places[8].text[0], 0x5a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_get_their_canonical_text),
        cmocka_unit_test(mapped_ipv6_is_ipv4),
        cmocka_unit_test(what_is_no_literal_address_is_refused),
        cmocka_unit_test(only_what_a_peer_can_reach_is_usable),
        cmocka_unit_test(the_order_is_by_number_ipv4_first),
        cmocka_unit_test(a_set_is_in_order_with_each_address_once),
        cmocka_unit_test(a_full_set_keeps_the_least_whatever_the_order),
    };
    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
