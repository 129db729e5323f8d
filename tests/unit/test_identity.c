#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/identity.h"

/* The facts of a pod redis-3 as a good manifest tells them; each test changes what it is about. */
static struct settings settings;
static struct identity_machine machine;
static struct identity identity;
static struct err err;
static bool need_pod, need_service;

static int set_up(void **state)
{
    (void)state;
    settings = (struct settings){
        .statefulset = "",
        .service = "redis",
        .namespace_name = "",
        .cluster_domain = "",
        .cluster_id = "",
        .ordinal = -1,
        .pod_name = "redis-3",
        .pod_namespace = "cache",
        .pod_ip = "10.0.0.3",
        .pod_ips = "",
        .pod_index = "",
    };
    machine = (struct identity_machine){.host_name = "redis-3"};
    need_pod = true;
    need_service = true;
    return 0;
}

static void host(const char *name)
{
    memset(machine.host_name, 0, sizeof machine.host_name);
    memcpy(machine.host_name, name, strlen(name));
}

static void accepted(int ordinal, const char *statefulset)
{
    memset(&identity, 0x5a, sizeof identity);
    if (!identity_derive(&identity, &settings, &machine, need_pod, need_service, &err))
        fail_msg("%s", err.message);
    assert_int_equal(identity.ordinal, ordinal);
    assert_string_equal(identity.statefulset, statefulset);
}

/* 78, and both texts are in the sentence. */
static void refused(const char *one, const char *other)
{
    memset(&identity, 0x5a, sizeof identity);
    if (identity_derive(&identity, &settings, &machine, need_pod, need_service, &err))
        fail_msg("accepted as ordinal %d of '%s'", identity.ordinal, identity.statefulset);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_int_equal(identity.ordinal, 0x5a5a5a5a); /* untouched */
    if (strstr(err.message, one) == NULL || strstr(err.message, other) == NULL)
        fail_msg("'%s' and '%s' are not in: %s", one, other, err.message);
}

static void a_pod_knows_itself_and_its_peers(void **state)
{
    (void)state;
    char name[IDENTITY_NAME_MAX];
    accepted(3, "redis");
    assert_string_equal(identity.pod_name, "redis-3");
    assert_string_equal(identity.service, "redis");
    assert_string_equal(identity.namespace_name, "cache");
    assert_string_equal(identity.domain, "cluster.local");
    assert_string_equal(identity.cluster_id, "cache/redis");
    assert_string_equal(identity.pod_ip.text, "10.0.0.3");
    identity_pod_name(&identity, 12, name);
    assert_string_equal(name, "redis-12");
    identity_dns_name(&identity, 12, name);
    assert_string_equal(name, "redis-12.redis.cache.svc.cluster.local.");
    identity_host_name(&identity, 12, name);
    assert_string_equal(name, "redis-12.redis.cache.svc.cluster.local");
}

static void any_one_source_gives_the_ordinal(void **state)
{
    (void)state;
    settings.statefulset = "redis";
    settings.pod_name = "";
    host("vm");
    settings.ordinal = 3;
    accepted(3, "redis");
    assert_string_equal(identity.pod_name, "redis-3");
    settings.ordinal = -1;
    settings.pod_index = "4";
    accepted(4, "redis");
    settings.pod_index = "";
    host("redis-5");
    accepted(5, "redis");
    host("redis-6.redis.cache.svc.cluster.local");
    accepted(6, "redis");
    settings.statefulset = "";
    accepted(6, "redis");
}

static void every_two_sources_must_agree(void **state)
{
    (void)state;
    settings.pod_index = "2";
    refused("POD_NAME 'redis-3' says ordinal 3", "POD_INDEX '2' says 2");
    settings.pod_index = "3";
    accepted(3, "redis");
    host("redis-4");
    refused("POD_NAME 'redis-3' says ordinal 3", "the host name 'redis-4' says 4");
    host("redis-3");
    settings.ordinal = 1;
    refused("--ordinal (ORDAIN_ORDINAL) '1' says ordinal 1", "POD_NAME 'redis-3' says 3");
    settings.pod_name = "";
    refused("--ordinal (ORDAIN_ORDINAL) '1' says ordinal 1", "POD_INDEX '3' says 3");
    settings.pod_index = "";
    refused("--ordinal (ORDAIN_ORDINAL) '1' says ordinal 1", "the host name 'redis-3' says 3");
    settings.ordinal = -1;
    settings.pod_index = "7";
    refused("POD_INDEX '7' says ordinal 7", "the host name 'redis-3' says 3");
}

static void an_empty_index_is_no_index_and_a_bad_one_is_refused(void **state)
{
    (void)state;
    settings.pod_index = "";
    accepted(3, "redis");
    settings.pod_index = "03";
    refused("POD_INDEX '03'", "leading zero");
    settings.pod_index = "+3";
    refused("POD_INDEX '+3'", "sign");
    settings.pod_index = "3x";
    refused("POD_INDEX '3x'", "decimal");
    settings.pod_index = "2147483648";
    refused("POD_INDEX '2147483648'", "above 2147483647");
}

static void bad_pod_names_are_refused_with_what_is_wrong(void **state)
{
    (void)state;
    char longest[65];
    memset(longest, 'a', sizeof longest - 1);
    longest[64] = '\0';
    memcpy(longest + 62, "-3", 2);
    const struct {
        const char *name, *fault;
    } cases[] = {
        {"redis-03",         "leading zero"        },
        {"redis-4294967296", "above 2147483647"    },
        {"Redis-3",          "upper-case"          },
        {"redis_3",          "character other than"},
        {"redis--3",         "sign"                },
        {"redis-",           "begins or ends"      },
        {"-3",               "begins or ends"      },
        {"redis",            "does not end in"     },
        {"redis-x7k2p",      "does not end"        },
        {longest,            "longer than 63 bytes"},
        {"redis-3.redis",    "character"           },
        {"r\xc3\xa9"
         "dis-3",   "character other than"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        settings.pod_name = cases[i].name;
        refused("POD_NAME '", cases[i].fault);
    }
    host("vm");
    settings.pod_name = longest + 1; /* 63 bytes */
    need_service = false;
    longest[62] = '\0';
    char stem[IDENTITY_NAME_MAX];
    memcpy(stem, longest + 1, 62);
    longest[62] = '-';
    accepted(3, stem);
    settings.pod_name = "";
    settings.statefulset = stem;
    settings.ordinal = 3;
    accepted(3, stem);
    settings.ordinal = 13;
    refused("the pod name '", "longer than 63 bytes");
}

static void bad_host_names_are_refused_where_nothing_else_is_known(void **state)
{
    (void)state;
    settings.pod_name = "";
    static const char *const names[] = {"",     "localhost",    "-0",   "a-",         "a--1",
                                        "a-01", "a-4294967296", "RE-1", "\xff\xfe-1", "a_b-1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        host(names[i]);
        refused("the host name '", "set POD_NAME (downward API, metadata.name)");
    }
    char longest[65];
    memset(longest, 'a', sizeof longest - 1);
    longest[64] = '\0';
    memcpy(longest + 62, "-1", 2);
    host(longest);
    refused("longer than 63 bytes", "set POD_NAME");
}

static void under_host_network_the_host_name_does_not_count(void **state)
{
    (void)state;
    /* with POD_NAME: left out */
    host("ip-10-0-0-5");
    accepted(3, "redis");
    host("redis-03");
    accepted(3, "redis");
    host("redis-node-5");
    accepted(3, "redis");
    /* a node that is called as if it were a pod of the set: only the kubelet knows */
    host("redis-5");
    refused("must agree", "the host name 'redis-5'");
    machine.host_network = true;
    accepted(3, "redis");
    /* without POD_NAME: refused, with what mends it */
    settings.pod_name = "";
    refused("node's under hostNetwork", "set POD_NAME");
    settings.statefulset = "redis";
    refused("node's under hostNetwork", "set POD_NAME");
    settings.pod_index = "2";
    accepted(2, "redis");
    machine.host_network = false;
    settings.pod_index = "";
    host("ip-10-0-0-5");
    refused("no pod of the StatefulSet 'redis'", "hostNetwork");
    settings.statefulset = "";
    refused("node's under hostNetwork", "set POD_NAME");
    host("ip-10-0-5");
    accepted(5, "ip-10-0");
}

static void the_statefulset_must_be_the_pods(void **state)
{
    (void)state;
    settings.statefulset = "valkey";
    refused("POD_NAME 'redis-3'", "'valkey'");
    settings.statefulset = "red";
    refused("POD_NAME 'redis-3'", "'red'");
    settings.statefulset = "redis";
    accepted(3, "redis");
    settings.statefulset = "Redis";
    refused("--statefulset 'Redis'", "upper-case");
    settings.statefulset = "";
    settings.pod_name = "";
    settings.ordinal = 3;
    host("vm");
    refused("StatefulSet's name is not known", "ORDAIN_STATEFULSET");
}

static void outside_a_pod_the_ordinal_stays_open(void **state)
{
    (void)state;
    static const char *const names[] = {"form-redis-x7k2p", "form-redis-24567", "vm", "app-1"};
    need_pod = false;
    settings.statefulset = "redis";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        settings.pod_name = i % 2 == 0 ? names[i] : "";
        host(names[i]);
        accepted(-1, "redis");
        assert_string_equal(identity.pod_name, "");
    }
    /* another set's index is not ours, nor is the host name: a node may be called so */
    settings.pod_name = "app-1";
    settings.pod_index = "1";
    host("redis-1");
    accepted(-1, "redis");
    settings.statefulset = "";
    settings.pod_name = "";
    settings.pod_index = "";
    host("vm");
    refused("StatefulSet's name is not known", "set ORDAIN_STATEFULSET");
    need_service = false;
    accepted(-1, "");
    assert_string_equal(identity.cluster_id, "");
}

static void ordinals_begin_at_the_start(void **state)
{
    (void)state;
    settings.ordinal_start = 3;
    accepted(3, "redis");
    settings.ordinal_start = 4;
    refused("POD_NAME 'redis-3' is below the first ordinal 4", "--ordinal-start");
}

static void the_namespace_is_the_first_that_is_told(void **state)
{
    (void)state;
    memcpy(machine.token_namespace, "token", sizeof "token");
    memcpy(machine.search_namespace, "search", sizeof "search");
    settings.namespace_name = "flag";
    accepted(3, "redis");
    assert_string_equal(identity.namespace_name, "flag");
    settings.namespace_name = "";
    accepted(3, "redis");
    assert_string_equal(identity.namespace_name, "cache");
    settings.pod_namespace = "";
    accepted(3, "redis");
    assert_string_equal(identity.namespace_name, "token");
    machine.token_namespace[0] = '\0';
    accepted(3, "redis");
    assert_string_equal(identity.namespace_name, "search");
    machine.search_namespace[0] = '\0';
    refused("the namespace is not known", "POD_NAMESPACE");
    settings.pod_namespace = "a.b";
    refused("POD_NAMESPACE 'a.b'", "character");
}

static void the_domain_is_told_or_searched_or_usual(void **state)
{
    (void)state;
    memcpy(machine.search_domain, "k8s.example.org", sizeof "k8s.example.org");
    accepted(3, "redis");
    assert_string_equal(identity.domain, "k8s.example.org");
    settings.cluster_domain = "a.b.";
    accepted(3, "redis");
    assert_string_equal(identity.domain, "a.b");
    static const char *const bad[] = {".", "a..b", "A.b", "-a.b", "a.b..", "a b", ".a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        settings.cluster_domain = bad[i];
        refused("--cluster-domain", bad[i]);
    }
}

static void peers_names_need_a_service_and_fit(void **state)
{
    (void)state;
    settings.service = "";
    refused("--service (ORDAIN_SERVICE) is not set", ".spec.serviceName");
    settings.service = "redis.cache";
    refused("--service 'redis.cache'", "character");
    char label[64];
    char domain[254];
    memset(label, 'a', sizeof label - 1);
    label[63] = '\0';
    settings.service = label;
    settings.pod_namespace = label;
    for (size_t i = 0; i < 253; i++)
        domain[i] = i % 50 == 49 ? '.' : 'a';
    settings.cluster_domain = domain;
    /* redis- and 10 digits, three dots, .svc. and the last dot: 5 + 1 + 10 + 1 + 63 + 1 + 63 + 5 + 1 */
    domain[253 - 150] = '\0';
    accepted(3, "redis");
    char name[IDENTITY_NAME_MAX];
    identity_dns_name(&identity, 2147483647, name);
    assert_int_equal(strlen(name), 253);
    domain[253 - 150] = 'a';
    domain[253 - 149] = '\0';
    refused("exceed", "svc");
}

static void the_cluster_id_is_what_a_person_says(void **state)
{
    (void)state;
    settings.cluster_id = "Prod:eu-1/redis@x+y_z.1";
    accepted(3, "redis");
    assert_string_equal(identity.cluster_id, settings.cluster_id);
    static const char *const bad[] = {"a b", "a=b", "a\nb", "a'b", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        settings.cluster_id = bad[i];
        refused("--cluster-id", "letters, digits");
    }
    char longest[255];
    memset(longest, 'a', sizeof longest - 1);
    longest[254] = '\0';
    settings.cluster_id = longest;
    refused("--cluster-id", "at most 253");
    settings.cluster_id = longest + 1;
    accepted(3, "redis");
}

static void the_pods_address_is_one_that_peers_can_reach(void **state)
{
    (void)state;
    settings.pod_ip = "";
    accepted(3, "redis");
    assert_int_equal(identity.pod_ip.family, ADDR_NONE);
    settings.pod_ip = "FD00::0001";
    accepted(3, "redis");
    assert_string_equal(identity.pod_ip.text, "fd00::1");
    settings.pod_ip = "$(POD_IP)";
    refused("POD_IP '$(POD_IP)'", "no IP address");
    settings.pod_ip = "10.0.0.1\n";
    refused("POD_IP", "no IP address");
    settings.pod_ip = "127.0.0.1";
    refused("POD_IP '127.0.0.1'", "peers");
}

static void the_pods_address_is_one_of_its_addresses(void **state)
{
    (void)state;
    settings.pod_ips = "10.0.0.3,fd00::3";
    accepted(3, "redis");
    settings.pod_ips = "fd00::3,10.0.0.3";
    accepted(3, "redis");
    assert_string_equal(identity.pod_ip.text, "10.0.0.3");
    settings.pod_ip = "";
    accepted(3, "redis");
    assert_string_equal(identity.pod_ip.text, "fd00::3");
    settings.pod_ip = "10.0.0.4";
    refused("POD_IP '10.0.0.4'", "POD_IPS 'fd00::3,10.0.0.3'");
    static const char *const bad[] = {",10.0.0.4,x", "10.0.0.4 fd00::3", "x", ","};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        settings.pod_ips = bad[i];
        refused("POD_IPS", "comma separated");
    }
}

static void announced_names_of_this_set_give_their_ordinal(void **state)
{
    (void)state;
    accepted(3, "redis");
    static const char *const ours[] = {
        "redis-7",
        "redis-7.redis",
        "redis-7.redis.cache",
        "redis-7.redis.cache.svc",
        "redis-7.redis.cache.svc.cluster.local",
        "redis-7.redis.cache.svc.cluster.local.",
    };
    static const char *const foreign[] = {
        "",
        "redis",
        "redis-",
        "redis-07",
        "redis-7x",
        "valkey-7",
        "redi-7",
        "redis-7.",
        "redis-7.other",
        "redis-7.redis.other",
        "redis-7.redis.cache.svc.cluster.locals",
        "redis-7.redis.cache.svc.cluster.local..",
        "redis-7.red",
        "ip-10-0-0-7",
        "redis-99999999999",
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        assert_int_equal(identity_ordinal_of(&identity, ours[i]), 7);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (identity_ordinal_of(&identity, foreign[i]) != -1)
            fail_msg("'%s' is taken for ours", foreign[i]);
    identity.service[0] = '\0';
    assert_int_equal(identity_ordinal_of(&identity, "redis-7"), 7);
    assert_int_equal(identity_ordinal_of(&identity, "redis-7.redis"), -1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pod_knows_itself_and_its_peers),
        TEST(any_one_source_gives_the_ordinal),
        TEST(every_two_sources_must_agree),
        TEST(an_empty_index_is_no_index_and_a_bad_one_is_refused),
        TEST(bad_pod_names_are_refused_with_what_is_wrong),
        TEST(bad_host_names_are_refused_where_nothing_else_is_known),
        TEST(under_host_network_the_host_name_does_not_count),
        TEST(the_statefulset_must_be_the_pods),
        TEST(outside_a_pod_the_ordinal_stays_open),
        TEST(ordinals_begin_at_the_start),
        TEST(the_namespace_is_the_first_that_is_told),
        TEST(the_domain_is_told_or_searched_or_usual),
        TEST(peers_names_need_a_service_and_fit),
        TEST(the_cluster_id_is_what_a_person_says),
        TEST(the_pods_address_is_one_that_peers_can_reach),
        TEST(the_pods_address_is_one_of_its_addresses),
        TEST(announced_names_of_this_set_give_their_ordinal),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
