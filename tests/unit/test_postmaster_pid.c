#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/postmaster_opts.h"
#include "roles/postmaster_pid.h"

/* Of a PostgreSQL 15.18 that runs. */
static const char ready[] = "41274\n"
                            "/data/pgdata\n"
                            "1795453636\n"
                            "5432\n"
                            "/var/run/postgresql\n"
                            "*\n"
                            "  5432001        32\n"
                            "ready   \n";

static bool parse(struct postmaster_pid *file, const char *text, size_t len)
{
    return postmaster_pid_parse(file, text, len);
}

static void all_lines_of_a_running_server(void **state)
{
    struct postmaster_pid file;
    (void)state;
    assert_true(parse(&file, ready, strlen(ready)));
    assert_int_equal(file.pid, 41274);
    assert_false(file.standalone);
    assert_true(text_is(file.data_dir, "/data/pgdata"));
    assert_int_equal(file.start_time, 1795453636);
    assert_int_equal(file.port, 5432);
    assert_true(text_is(file.socket_dir, "/var/run/postgresql"));
    assert_true(text_is(file.listen_address, "*"));
    assert_int_equal(file.shared_memory_key, 5432001);
    assert_int_equal(file.shared_memory_id, 32);
    assert_int_equal(file.status, POSTMASTER_READY);
}

static void each_status(void **state)
{
    static const struct {
        const char *line;
        enum postmaster_status status;
    } cases[] = {
        {"starting\n", POSTMASTER_STARTING      },
        {"stopping\n", POSTMASTER_STOPPING      },
        {"ready   \n", POSTMASTER_READY         },
        {"standby \n", POSTMASTER_STANDBY       },
        {"\n",         POSTMASTER_STATUS_UNKNOWN},
        {"readyish\n", POSTMASTER_STATUS_UNKNOWN},
        {"ready   ",   POSTMASTER_STATUS_UNKNOWN}, /* not whole */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[256];
        struct postmaster_pid file;
        int len = snprintf(text, sizeof(text), "7\n/d\n1\n5432\n\n\n 1 2\n%s", cases[i].line);
        assert_true(parse(&file, text, (size_t)len));
        assert_int_equal(file.status, cases[i].status);
        assert_int_equal(file.socket_dir.len, 0);
        assert_int_equal(file.listen_address.len, 0);
    }
}

/* The server writes line after line: whatever stands there so far is true, nothing else is told. */
static void a_file_that_is_being_written(void **state)
{
    struct postmaster_pid whole, file;
    (void)state;
    assert_true(parse(&whole, ready, strlen(ready)));
    for (size_t len = 0; len < strlen(ready); len++) {
        bool parsed = parse(&file, ready, len);
        assert_int_equal(parsed, len >= strlen("41274\n"));
        if (!parsed)
            continue;
        assert_int_equal(file.pid, whole.pid);
        assert_true(file.port == 0 || file.port == whole.port);
        assert_true(file.start_time == 0 || file.start_time == whole.start_time);
        assert_true(file.data_dir.len == 0 || file.data_dir.len == whole.data_dir.len);
        assert_int_equal(file.status, POSTMASTER_STATUS_UNKNOWN);
    }
}

static void a_single_user_server_has_a_negative_pid(void **state)
{
    struct postmaster_pid file;
    (void)state;
    assert_true(parse(&file, "-99\n/d\n1\n5432\n\n", 16));
    assert_true(file.standalone);
    assert_int_equal(file.pid, 99);
}

static void what_has_no_pid_is_refused(void **state)
{
    static const char *const texts[] = {
        "",      "\n",           "0\n",           "x\n", "12x\n",
        " 12\n", "2147483648\n", "-2147483648\n", "12",  "99999999999999999999\n",
    };
    struct postmaster_pid file;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_false(parse(&file, texts[i], strlen(texts[i])));
}

static void malformed_lines_are_as_if_missing(void **state)
{
    struct postmaster_pid file;
    static const char text[] = "7\n/d\nsoon\n99999\n\n\nx y\nwell\n";
    (void)state;
    assert_true(parse(&file, text, strlen(text)));
    assert_int_equal(file.start_time, 0);
    assert_int_equal(file.port, 0);
    assert_int_equal(file.shared_memory_id, 0);
    assert_int_equal(file.status, POSTMASTER_STATUS_UNKNOWN);
}

static void the_entrypoints_own_server_is_known(void **state)
{
#define PROGRAM "/bin/postgres \"-c\" "
#define LISTEN(value) "\"listen_addresses=" value "\""
    static const struct {
        const char *text;
        enum postmaster_opts_answer answer;
    } cases[] = {
        {PROGRAM LISTEN("") " \"-p\" \"5432\"\n",               POSTMASTER_OPTS_YES    },
        {PROGRAM "\"config_file=/etc/postgresql.conf\"\n",      POSTMASTER_OPTS_NO     },
        {"/bin/postgres\n",                                     POSTMASTER_OPTS_NO     },
        {PROGRAM LISTEN("*") "\n",                              POSTMASTER_OPTS_NO     },
        {PROGRAM LISTEN("*") " \"-c\" " LISTEN("") "\n",        POSTMASTER_OPTS_YES    },
        {PROGRAM LISTEN("") " \"-c\" " LISTEN("10.0.0.1") "\n", POSTMASTER_OPTS_NO     },
        {PROGRAM "\"cluster_name=listen_addresses=\"\n",        POSTMASTER_OPTS_NO     },
        {PROGRAM LISTEN(""),                                    POSTMASTER_OPTS_UNKNOWN},
        {"",                                                    POSTMASTER_OPTS_UNKNOWN},
        {"\n",                                                  POSTMASTER_OPTS_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(postmaster_opts_is_initdb_server(cases[i].text, strlen(cases[i].text)),
                         cases[i].answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_lines_of_a_running_server),
        cmocka_unit_test(each_status),
        cmocka_unit_test(a_file_that_is_being_written),
        cmocka_unit_test(a_single_user_server_has_a_negative_pid),
        cmocka_unit_test(what_has_no_pid_is_refused),
        cmocka_unit_test(malformed_lines_are_as_if_missing),
        cmocka_unit_test(the_entrypoints_own_server_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
