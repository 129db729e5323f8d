#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/redis/birth_spec.h"

static struct settings settings;
static struct identity identity;
static struct birth_spec spec;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    settings = (struct settings){.replicas = 6, .zones = ""};
    identity = (struct identity){.cluster_id = "cache/redis"};
    return 0;
}

static void read_spec(void)
{
    if (!birth_spec_read(&spec, &settings, &identity, &err))
        fail_msg("%s", err.message);
}

static void refused(const char *part)
{
    if (birth_spec_read(&spec, &settings, &identity, &err))
        fail_msg("accepted: %d pods, %d masters", spec.replicas, spec.masters);
    assert_int_equal(err.kind, ERR_CONFIG);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' is not in: %s", part, err.message);
}

static void half_of_the_pods_but_three_at_least_are_masters(void **state)
{
    (void)state;
    static const int masters[] = {3, 3, 3, 3, 3, 4, 4, 5, 5};
    for (int replicas = 3; replicas <= 11; replicas++) {
        settings.replicas = replicas;
        read_spec();
        assert_int_equal(spec.masters, masters[replicas - 3]);
        for (int i = 0; i < replicas; i++) {
            assert_int_equal(spec.master_of[i], i % spec.masters);
            assert_int_equal(birth_spec_is_master(&spec, i), i < spec.masters);
        }
        assert_false(birth_spec_is_master(&spec, replicas));
        assert_false(birth_spec_is_master(&spec, -1));
    }
}

static void ordinals_count_from_the_start(void **state)
{
    (void)state;
    identity.ordinal_start = 5;
    read_spec();
    assert_int_equal(birth_spec_index(&spec, 4), -1);
    assert_int_equal(birth_spec_index(&spec, 5), 0);
    assert_int_equal(birth_spec_index(&spec, 10), 5);
    assert_int_equal(birth_spec_index(&spec, 11), -1);
    assert_int_equal(birth_spec_index(&spec, 2147483647), -1);
    assert_true(birth_spec_is_master(&spec, 7));
    assert_false(birth_spec_is_master(&spec, 8));
    identity.ordinal_start = 2147483647 - 2 * PLACEMENT_PODS_MAX;
    read_spec();
    identity.ordinal_start++;
    refused("--ordinal-start");
}

static void numbers_that_make_no_cluster_are_refused(void **state)
{
    (void)state;
    settings.replicas = 0;
    refused("--replicas (ORDAIN_REPLICAS) is not set");
    settings.replicas = 2;
    refused("--replicas 2");
    settings.replicas = 1001;
    refused("--replicas 1001");
    settings.replicas = 1000;
    read_spec();
    settings.replicas = 6;
    settings.redis.masters = 2;
    refused("--masters 2");
    settings.redis.masters = 7;
    refused("--masters 7 are more than the 6 pods");
    settings.redis.masters = 6;
    read_spec();
}

static void zones_are_numbered_as_they_appear(void **state)
{
    (void)state;
    char name[BIRTH_ZONE_MAX];
    settings.zones = "b, a,b ,c,,a";
    read_spec();
    static const int zones[] = {0, 1, 0, 2, -1, 1};
    assert_memory_equal(spec.zone_of, zones, sizeof zones);
    assert_int_equal(spec.zone_count, 3);
    static const char *const names[] = {"b", "a", "b", "c", "", "a", ""};
    for (int i = 0; i < 7; i++) {
        birth_spec_zone(&spec, i, name);
        assert_string_equal(name, names[i]);
    }
    identity.ordinal_start = 10;
    read_spec();
    birth_spec_zone(&spec, 13, name);
    assert_string_equal(name, "c");
    birth_spec_zone(&spec, 3, name);
    assert_string_equal(name, "");
}

static void masters_and_replicas_do_not_share_a_zone(void **state)
{
    (void)state;
    settings.zones = "a,b,c,a,b,c";
    read_spec();
    for (int i = 3; i < 6; i++)
        assert_int_not_equal(spec.zone_of[i], spec.zone_of[spec.master_of[i]]);
}

static void zones_must_be_one_a_pod(void **state)
{
    (void)state;
    settings.zones = "a,b,c";
    refused("3 zones for 6 pods");
    settings.zones = "a,b,c,d,e,f,g";
    refused("7 zones for 6 pods");
    static const char *const bad[] = {"a b,,,,,", "-a,,,,,", "a_,,,,,", "\xc3\xa9,,,,,",
                                      ",,,,,a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        settings.zones = bad[i];
        refused("is no zone's name");
    }
    char longest[80];
    memset(longest, 'a', 64);
    memcpy(longest + 64, ",,,,,", 6);
    settings.zones = longest;
    refused("is no zone's name");
    settings.zones = longest + 1;
    read_spec();
    char many[2201];
    for (size_t i = 0; i < sizeof many - 1; i++)
        many[i] = i % 2 == 0 ? 'a' : ',';
    many[sizeof many - 1] = '\0';
    settings.replicas = 1000;
    settings.zones = many;
    refused("1101 zones for 1000 pods");
    settings.replicas = 6;
    settings.zones = ",,,,,"; /* none known: as if not told */
    read_spec();
    assert_int_equal(spec.zone_count, 0);
}

static void the_digest_changes_with_all_that_decides(void **state)
{
    (void)state;
    char digests[8][65];
    int count = 0;
    read_spec();
    memcpy(digests[count++], spec.digest, 65);
    memcpy(identity.cluster_id, "cache/redix", sizeof "cache/redix");
    read_spec();
    memcpy(digests[count++], spec.digest, 65);
    set_up(NULL);
    settings.replicas = 7;
    read_spec();
    memcpy(digests[count++], spec.digest, 65);
    settings.redis.masters = 4;
    read_spec();
    memcpy(digests[count++], spec.digest, 65);
    identity.ordinal_start = 1;
    read_spec();
    memcpy(digests[count++], spec.digest, 65);
    settings.zones = "a,b,c,a,b,c,a";
    read_spec();
    memcpy(digests[count++], spec.digest, 65);
    settings.zones = "a,b,c,a,b,c,b";
    read_spec();
    memcpy(digests[count++], spec.digest, 65);
    for (int i = 0; i < count; i++) {
        assert_int_equal(strlen(digests[i]), 64);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(digests[i], digests[j]);
    }
}

/* A digest is compared with one that an older version wrote: it must never change by itself. */
static void the_digest_is_the_one_of_every_version(void **state)
{
    (void)state;
    read_spec();
    assert_string_equal(spec.digest,
                        "2dbac0790cc8eedf957cdbbe19072fd03f19504438cb152e3e0a7be78a9e94b8");
    settings.zones = "a,b,c,a,b,c";
    read_spec();
    assert_string_equal(spec.digest,
                        "a5d43b01f3f16dc0639000f28510fd2fc55e534dacde0cc6f632a9325aacdc12");
    settings.zones = "eu-1,eu-2,eu-3,eu-1,eu-2,eu-3"; /* only renamed */
    read_spec();
    assert_string_equal(spec.digest,
                        "a5d43b01f3f16dc0639000f28510fd2fc55e534dacde0cc6f632a9325aacdc12");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(half_of_the_pods_but_three_at_least_are_masters),
        TEST(ordinals_count_from_the_start),
        TEST(numbers_that_make_no_cluster_are_refused),
        TEST(zones_are_numbered_as_they_appear),
        TEST(masters_and_replicas_do_not_share_a_zone),
        TEST(zones_must_be_one_a_pod),
        TEST(the_digest_changes_with_all_that_decides),
        TEST(the_digest_is_the_one_of_every_version),
    };
    return cmocka_run_group_tests_name("birth_spec", tests, NULL, NULL);
}
