#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/redis_info.h"
#include "tests/unit/golden.h"

static struct redis_info parse(const char *text, bool *known)
{
    struct redis_info info = redis_info_none();
    *known = redis_info_parse(&info, text, strlen(text));
    return info;
}

static struct redis_info read_recorded(const char *name)
{
    struct redis_info info = redis_info_none();
    char path[128];
    size_t len;
    snprintf(path, sizeof(path), "redis_info/%s.txt", name);
    char *text = golden_read(path, &len);
    assert_true(redis_info_parse(&info, text, len));
    free(text);
    return info;
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    struct redis_info info = redis_info_none();
    assert_string_equal(info.server, "");
    assert_string_equal(info.version, "");
    assert_string_equal(info.master_host, "");
    assert_string_equal(info.replid, "");
    assert_false(info.role_known || info.is_master || info.loading || info.master_link_up);
    assert_false(info.cluster_known || info.cluster_ok || info.master_sync_in_progress);
    assert_int_equal(info.master_port, -1);
    const int64_t numbers[] = {
        info.master_last_io_s, info.offset,        info.connected_replicas, info.keys,
        info.uptime_s,         info.loading_eta_s, info.slots_assigned,     info.slots_ok,
        info.slots_pfail,      info.slots_fail,    info.known_nodes,        info.size,
        info.current_epoch,    info.my_epoch,
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_int_equal(numbers[i], -1);
}

static void a_redis_master_is_read(void **state)
{
    (void)state;
    struct redis_info info = read_recorded("master-redis-7.0");
    assert_string_equal(info.server, "redis");
    assert_string_equal(info.version, "7.0.15");
    assert_true(info.role_known && info.is_master);
    assert_false(info.loading);
    assert_int_equal(info.connected_replicas, 1);
    assert_int_equal(info.offset, 14);
    assert_int_equal(strlen(info.replid), 40);
    assert_int_equal(info.keys, 0); /* a Keyspace section without db0 */
    assert_int_equal(info.uptime_s, 17);
    assert_int_equal(info.master_port, -1);
    assert_int_equal(info.loading_eta_s, -1);
    assert_false(info.cluster_known);
}

static void a_redis_replica_is_read(void **state)
{
    (void)state;
    struct redis_info info = read_recorded("replica-redis-7.0");
    assert_true(info.role_known);
    assert_false(info.is_master);
    assert_true(info.master_link_up);
    assert_string_equal(info.master_host, "127.0.0.1");
    assert_int_equal(info.master_port, 17100);
    assert_int_equal(info.master_last_io_s, 7);
    assert_int_equal(info.offset, 14);
    assert_false(info.master_sync_in_progress);
}

static void valkey_is_told_from_redis(void **state)
{
    bool known;
    (void)state;
    struct redis_info info = read_recorded("master-valkey-8.1");
    assert_string_equal(info.server, "valkey");
    assert_string_equal(info.version, "8.1.1"); /* its redis_version says 7.2.4 */
    assert_true(info.cluster_known && info.cluster_ok);
    assert_int_equal(info.known_nodes, 6);
    info = read_recorded("master-redis-8.0");
    assert_string_equal(info.server, "redis");
    assert_string_equal(info.version, "8.0.2");
    /* in whichever order */
    info = parse("valkey_version:9.0.0\r\nserver_name:valkey\r\nredis_version:7.2.4\r\n", &known);
    assert_string_equal(info.server, "valkey");
    assert_string_equal(info.version, "9.0.0");
}

static void cluster_info_is_read(void **state)
{
    bool known;
    (void)state;
    struct redis_info info = read_recorded("cluster-redis-7.0");
    assert_true(info.cluster_known && info.cluster_ok);
    assert_int_equal(info.slots_assigned, 16384);
    assert_int_equal(info.slots_ok, 16384);
    assert_int_equal(info.slots_pfail, 0);
    assert_int_equal(info.slots_fail, 0);
    assert_int_equal(info.known_nodes, 6);
    assert_int_equal(info.size, 3);
    assert_int_equal(info.current_epoch, 6);
    assert_int_equal(info.my_epoch, 1);
    info = parse("cluster_state:fail\r\n", &known);
    assert_true(info.cluster_known);
    assert_false(info.cluster_ok);
}

static void texts_add_up(void **state)
{
    (void)state;
    struct redis_info info = read_recorded("replica-redis-7.0");
    const char *text = "cluster_state:ok\r\ncluster_size:3\r\n";
    assert_true(redis_info_parse(&info, text, strlen(text)));
    assert_string_equal(info.master_host, "127.0.0.1");
    assert_int_equal(info.size, 3);
}

static void valkeys_new_words_are_read(void **state)
{
    bool known;
    (void)state;
    struct redis_info info =
        parse("role:replica\r\nprimary_host:a.b\r\nprimary_port:6379\r\nprimary_link_status:up\r\n"
              "primary_last_io_seconds_ago:3\r\nprimary_sync_in_progress:1\r\n"
              "replica_repl_offset:5\r\nconnected_replicas:2\r\nprimary_replid:abc\r\n"
              "primary_repl_offset:9\r\n",
              &known);
    assert_true(known && info.role_known && info.master_link_up && info.master_sync_in_progress);
    assert_false(info.is_master);
    assert_string_equal(info.master_host, "a.b");
    assert_int_equal(info.master_port, 6379);
    assert_int_equal(info.master_last_io_s, 3);
    assert_int_equal(info.offset, 5);
    assert_int_equal(info.connected_replicas, 2);
    assert_string_equal(info.replid, "abc");
    info = parse("role:primary\n", &known);
    assert_true(info.role_known && info.is_master);
    info = parse("role:sentinel\n", &known);
    assert_false(info.role_known || info.is_master);
}

static void a_replicas_own_offset_counts(void **state)
{
    bool known;
    (void)state;
    struct redis_info info = parse("slave_repl_offset:7\nmaster_repl_offset:9\n", &known);
    assert_int_equal(info.offset, 7);
    info = parse("master_repl_offset:9\nslave_repl_offset:7\n", &known);
    assert_int_equal(info.offset, 7);
    info = parse("slave_repl_offset:x\nmaster_repl_offset:9\n", &known);
    assert_int_equal(info.offset, 9);
}

static void loading_and_keys_are_read(void **state)
{
    bool known;
    (void)state;
    struct redis_info info = parse("loading:1\r\nloading_eta_seconds:12\r\n", &known);
    assert_true(known && info.loading);
    assert_int_equal(info.loading_eta_s, 12);
    assert_int_equal(info.keys, -1);
    info = parse("# Keyspace\r\ndb0:keys=42,expires=1,avg_ttl=0\r\ndb1:keys=7\r\n", &known);
    assert_int_equal(info.keys, 42);
    info = parse("# Keyspace\r\n", &known);
    assert_true(known);
    assert_int_equal(info.keys, 0);
}

static void numbers_that_are_none_stay_missing(void **state)
{
    static const char *const values[] = {
        "",
        " 1",
        "1 ",
        "+1",
        "1x",
        "0x1",
        "--1",
        "-",
        "9223372036854775808",
        "18446744073709551617",
        "99999999999999999999999999999999999999",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[128];
        bool known;
        snprintf(text, sizeof(text), "connected_slaves:%s\r\nmaster_port:%s\n", values[i],
                 values[i]);
        struct redis_info info = parse(text, &known);
        assert_int_equal(info.connected_replicas, -1);
        assert_int_equal(info.master_port, -1);
        assert_true(known);
    }
    bool known;
    struct redis_info info = parse("connected_slaves:9223372036854775807\nmaster_port:65536\n"
                                   "master_last_io_seconds_ago:-1\n",
                                   &known);
    assert_true(info.connected_replicas == INT64_MAX);
    assert_int_equal(info.master_port, -1);
    assert_int_equal(info.master_last_io_s, -1);
}

static void what_is_too_long_is_left_out(void **state)
{
    char text[400];
    bool known;
    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "master_host:", 12);
    text[sizeof(text) - 1] = '\0';
    struct redis_info info = parse(text, &known);
    assert_true(known);
    assert_string_equal(info.master_host, "");
    memcpy(text, "redis_version:", 14);
    info = parse(text, &known);
    assert_string_equal(info.version, "");
}

static void what_is_no_info_is_told(void **state)
{
    static const char *const texts[] = {
        "",
        "\r\n",
        "OK",
        "<html>\n<title>not found: 404</title>\n",
        "HTTP/1.1 200 OK\r\nDate: today\r\n",
        "{\"role\":\"master\"}",
        "role",
        " role:master",
        "#Server",
        "Role:master\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bool known;
        struct redis_info info = parse(texts[i], &known);
        assert_false(known);
        assert_false(info.role_known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(a_redis_master_is_read),
        cmocka_unit_test(a_redis_replica_is_read),
        cmocka_unit_test(valkey_is_told_from_redis),
        cmocka_unit_test(cluster_info_is_read),
        cmocka_unit_test(texts_add_up),
        cmocka_unit_test(valkeys_new_words_are_read),
        cmocka_unit_test(a_replicas_own_offset_counts),
        cmocka_unit_test(loading_and_keys_are_read),
        cmocka_unit_test(numbers_that_are_none_stay_missing),
        cmocka_unit_test(what_is_too_long_is_left_out),
        cmocka_unit_test(what_is_no_info_is_told),
    };
    return cmocka_run_group_tests_name("redis_info", tests, NULL, NULL);
}
