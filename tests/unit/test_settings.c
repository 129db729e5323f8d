#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/command.h"
#include "init/settings_table.h"

#define WORDS_MAX 16

static struct settings settings;
static struct err err;
static char *words[WORDS_MAX + 1];
static int operands_at, word_count;

/* Reads the flags of LINE, words apart by one space, with the environment as it is. */
static bool read_line(command_set command, const char *engine, const char *line)
{
    static char copy[512];
    char *rest = copy;
    (void)snprintf(copy, sizeof copy, "%s", line);
    word_count = 0;
    while (*line != '\0' && rest != NULL) {
        assert_true(word_count < WORDS_MAX);
        words[word_count++] = strsep(&rest, " ");
    }
    words[word_count] = NULL;
    err = (struct err){0};
    return settings_read(&settings, command, engine, word_count, words, &operands_at, &err);
}

static bool read_variable(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
    bool good = read_line(COMMAND_INIT, "redis", "");
    assert_int_equal(unsetenv(name), 0);
    return good;
}

static int clear_environment(void **state)
{
    (void)state;
    const char *form = getenv("CMOCKA_MESSAGE_OUTPUT"); /* cmocka's own */
    char kept[16];
    (void)snprintf(kept, sizeof kept, "%s", form != NULL ? form : "STDOUT");
    return clearenv() != 0 || setenv("CMOCKA_MESSAGE_OUTPUT", kept, 1) != 0;
}

static void nothing_told_gives_the_defaults(void **state)
{
    (void)state;
    assert_true(read_line(COMMAND_INIT, "redis", ""));
    assert_int_equal(settings.ordinal, -1);
    assert_int_equal(settings.replicas, 0);
    assert_string_equal(settings.statefulset, "");
    assert_string_equal(settings.data_dir, "/data");
    assert_string_equal(settings.config_dir, "/etc/redis");
    assert_string_equal(settings.hardlinks, "auto");
    assert_int_equal(settings.timeout_ms, 0);
    assert_int_equal(settings.probe_timeout_ms, 800);
    assert_int_equal(settings.peer_wait_ms, 30000);
    assert_int_equal(settings.log_level, 1);
    assert_int_equal(settings.redis.port, 6379);
    assert_int_equal(settings.redis.node_timeout_ms, 5000);
    assert_int_equal(settings.redis.version_major, 0);
    assert_true(read_line(COMMAND_INIT, "postgres", ""));
    assert_string_equal(settings.config_dir, "/etc/postgresql");
}

/* Every text is a string from the start: no reader asks for NULL. */
static void no_text_is_ever_null(void **state)
{
    (void)state;
    assert_true(read_line(COMMAND_PEERS, "", ""));
    for (size_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->kind <= KIND_SECRET) {
            const char *text;
            memcpy(&text, (const char *)&settings + row->offset, sizeof text);
            assert_non_null(text);
        }
    }
    assert_non_null(settings.preset);
    assert_non_null(settings.pod_name);
    assert_non_null(settings.pod_namespace);
    assert_non_null(settings.pod_ip);
    assert_non_null(settings.pod_ips);
    assert_non_null(settings.pod_index);
}

static void a_flag_wins_over_its_variable(void **state)
{
    (void)state;
    assert_int_equal(setenv("ORDAIN_REPLICAS", "6", 1), 0);
    assert_true(read_line(COMMAND_INIT, "redis", ""));
    assert_int_equal(settings.replicas, 6);
    assert_true(read_line(COMMAND_INIT, "redis", "--replicas 9"));
    assert_int_equal(settings.replicas, 9);
    assert_true(read_line(COMMAND_INIT, "redis", "--replicas=12"));
    assert_int_equal(settings.replicas, 12);
}

static void an_empty_variable_is_not_set(void **state)
{
    (void)state;
    assert_true(read_variable("ORDAIN_REPLICAS", ""));
    assert_int_equal(settings.replicas, 0);
    assert_true(read_variable("ORDAIN_DATA_DIR", ""));
    assert_string_equal(settings.data_dir, "/data");
    assert_true(read_variable("POD_INDEX", ""));
}

static void operands_are_gathered_behind_the_flags(void **state)
{
    (void)state;
    assert_true(read_line(COMMAND_PERMS, "", "a --owner 999:1000 b --check - -- --always c"));
    assert_string_equal(settings.owner, "999:1000");
    assert_true(settings.check);
    assert_false(settings.always);
    assert_int_equal(word_count - operands_at, 5);
    assert_string_equal(words[operands_at], "a");
    assert_string_equal(words[operands_at + 1], "b");
    assert_string_equal(words[operands_at + 2], "-");
    assert_string_equal(words[operands_at + 3], "--always");
    assert_string_equal(words[operands_at + 4], "c");
    assert_null(words[word_count]);
    assert_true(read_line(COMMAND_EXEC, "redis", "--"));
    assert_int_equal(operands_at, word_count);
    assert_true(read_line(COMMAND_EXEC, "redis", "--ordinal 1 -- -- a"));
    assert_int_equal(word_count - operands_at, 2);
    assert_string_equal(words[operands_at], "--");
}

static void engine_flags_are_plain_where_the_engine_is_named(void **state)
{
    (void)state;
    assert_true(read_line(COMMAND_INIT, "redis", "--port 7000 --version 7.2.4"));
    assert_int_equal(settings.redis.port, 7000);
    assert_int_equal(settings.redis.version_major, 7);
    assert_int_equal(settings.redis.version_minor, 2);
    assert_true(read_line(COMMAND_INIT, "redis", "--redis-port 7001"));
    assert_int_equal(settings.redis.port, 7001);
    assert_true(read_line(COMMAND_PEERS, "", "--redis-port 7002"));
    assert_int_equal(settings.redis.port, 7002);
    assert_false(read_line(COMMAND_PEERS, "", "--port 7002"));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.message, "--port is --redis-port where no engine is named");
}

static void a_wrong_flag_is_usage_and_a_wrong_variable_configuration(void **state)
{
    (void)state;
    assert_false(read_line(COMMAND_INIT, "redis", "--replicas six"));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.message,
                        "--replicas is 'six': a whole number from 1 to 1000 is needed");
    assert_false(read_variable("ORDAIN_REPLICAS", "six"));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.message,
                        "ORDAIN_REPLICAS is 'six': a whole number from 1 to 1000 is needed");
}

static void unknown_flags_are_told_with_the_nearest_one(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"--replics 3",            "unknown flag '--replics': did you mean --replicas?"            },
        {"--podmanagement=x",      "unknown flag '--podmanagement': did you mean --pod-management?"},
        {"--qqqqqqqq",             "unknown flag '--qqqqqqqq'; see --help"                         },
        {"-v",                     "unknown flag '-v'; see --help"                                 },
        {"--=",                    "unknown flag '--'; see --help"                                 },
        {"--check",                "--check is no flag of this command; see its --help"            },
        {"--replicas",             "--replicas needs a value: N"                                   },
        {"--replicas=",            "--replicas needs a value: N"                                   },
        {"--service --replicas 3", "--service needs a value: NAME"                                 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(read_line(COMMAND_INIT, "redis", cases[i].line));
        assert_int_equal(err.kind, ERR_USAGE);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void the_first_of_many_errors_is_told_and_the_log_settings_still_read(void **state)
{
    (void)state;
    assert_int_equal(setenv("ORDAIN_REPLICAS", "six", 1), 0);
    assert_int_equal(setenv("ORDAIN_ORDINAL", "x", 1), 0);
    assert_int_equal(setenv("ORDAIN_LOG_FORMAT", "json", 1), 0);
    assert_false(read_line(COMMAND_INIT, "redis", "--nonsense --log-level error"));
    assert_non_null(strstr(err.message, "ORDAIN_REPLICAS"));
    assert_true(settings.log_json);
    assert_int_equal(settings.log_level, 3);
}

static void a_password_is_never_a_flag(void **state)
{
    (void)state;
    static const char *const lines[] = {"--password geheim", "--password=geheim",
                                        "--redis-password=geheim"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_false(read_line(COMMAND_INIT, "redis", lines[i]));
        assert_int_equal(err.kind, ERR_USAGE);
        assert_non_null(strstr(err.message, "--password-file"));
        assert_null(strstr(err.message, "geheim"));
    }
    assert_true(read_variable("ORDAIN_REDIS_PASSWORD", "tr$(icky) \xC3\xA9"));
    assert_string_equal(settings.redis.password, "tr$(icky) \xC3\xA9");
    assert_false(read_variable("ORDAIN_REDIS_PASSWORD", "geheim\n"));
    assert_null(strstr(err.message, "geheim"));
    assert_true(read_line(COMMAND_INIT, "redis", "--password-file /run/secret"));
    assert_string_equal(settings.redis.password_file, "/run/secret");
}

static void unknown_variables_are_told_with_the_nearest_one(void **state)
{
    (void)state;
    assert_false(read_variable("ORDAIN_REPLICS", "3"));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.message, "unknown setting 'ORDAIN_REPLICS' in the environment: did "
                                     "you mean ORDAIN_REPLICAS?");
    assert_false(read_variable("ORDAIN_MASTERS", "3"));
    assert_false(read_variable("ORDAIN_FROBNICATE", ""));
    assert_non_null(strstr(err.message, "'ordain --help' lists them"));
    assert_false(read_variable("ORDAIN_", "3"));
    assert_true(read_variable("ORDAINED", "3"));
    assert_true(read_variable("MY_ORDAIN_X", "3"));
}

static void service_links_are_passed_over(void **state)
{
    (void)state;
    /* as kubelet makes them (kubernetes.io: Service, environment variables) */
    static const char *const links[][2] = {
        {"ORDAIN_SERVICE_HOST",          "10.0.0.1"           },
        {"ORDAIN_SERVICE_PORT",          "80"                 },
        {"ORDAIN_SERVICE_PORT_HTTP",     "80"                 },
        {"ORDAIN_PORT",                  "tcp://10.0.0.1:80"  },
        {"ORDAIN_PORT_80_TCP",           "tcp://10.0.0.1:80"  },
        {"ORDAIN_PORT_80_TCP_PROTO",     "tcp"                },
        {"ORDAIN_PORT_80_TCP_PORT",      "80"                 },
        {"ORDAIN_PORT_80_TCP_ADDR",      "10.0.0.1"           },
        {"ORDAIN_WEB_PORT_53_UDP",       "udp://10.0.0.1:53"  },
        {"ORDAIN_WEB_PORT_53_UDP_ADDR",  "10.0.0.1"           },
        {"ORDAIN_WEB_PORT_9_SCTP_PROTO", "sctp"               },
        {"ORDAIN_REDIS_SERVICE_HOST",    "10.0.0.1"           },
        {"ORDAIN_REDIS_PORT_6379_TCP",   "tcp://10.0.0.1:6379"},
    };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        assert_true(read_variable(links[i][0], links[i][1]));
    assert_false(read_variable("ORDAIN_PORT", "80"));
    assert_false(read_variable("ORDAIN_PORT_80", "80"));
    assert_false(read_variable("ORDAIN_PORT_X_TCP_ADDR", "80"));
}

static void a_service_link_in_a_setting_names_the_line_that_mends_it(void **state)
{
    (void)state;
    static const char *const names[] = {"ORDAIN_REDIS_PORT", "ORDAIN_PG_PORT"};
    for (size_t i = 0; i < 2; i++) {
        assert_false(read_variable(names[i], "tcp://10.0.0.1:6379"));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_non_null(strstr(err.message, "enableServiceLinks: false"));
    }
}

static void settings_of_others_do_not_fail(void **state)
{
    (void)state;
    assert_true(read_variable("ORDAIN_PG_PORT", "5432"));
    assert_true(read_variable("ORDAIN_PG_DIVERGED", "keep"));
    assert_int_equal(setenv("ORDAIN_PROBE_TIMEOUT", "2s", 1), 0);
    assert_int_equal(setenv("ORDAIN_REDIS_MASTERS", "3", 1), 0);
    assert_true(read_line(COMMAND_PERMS, "", ""));
    for (size_t i = 0; i < settings_count(); i++)
        assert_ptr_equal(settings_info(i), &setting_rows[i].info);
}

static void what_kubernetes_did_not_replace_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"POD_IP", "ORDAIN_SERVICE", "ORDAIN_ZONE"};
    for (size_t i = 0; i < 3; i++) {
        assert_false(read_variable(names[i], "a-$(POD_NAME)"));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_non_null(strstr(err.message, "'env' list"));
    }
}

static void the_kubelets_own_names_are_read(void **state)
{
    (void)state;
    assert_true(read_variable("POD_NAME", "redis-3"));
    assert_string_equal(settings.pod_name, "redis-3");
    assert_true(read_variable("POD_IPS", "10.0.0.1,fd00::1"));
    assert_string_equal(settings.pod_ips, "10.0.0.1,fd00::1");
    assert_true(read_variable("POD_INDEX", "3"));
    assert_true(read_variable("POD_OTHER", "a\nb"));
    assert_false(read_variable("POD_NAME", "redis\n-3"));
}

static void colour_ends_with_no_color_unless_asked_for(void **state)
{
    (void)state;
    assert_true(read_variable("NO_COLOR", ""));
    assert_int_equal(settings.color, COLOR_AUTO);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_true(read_line(COMMAND_STATUS, "redis", ""));
    assert_int_equal(settings.color, COLOR_NEVER);
    assert_true(read_line(COMMAND_STATUS, "redis", "--color always"));
    assert_int_equal(settings.color, COLOR_ALWAYS);
}

static void certificates_and_keys_come_together(void **state)
{
    (void)state;
    assert_true(read_line(COMMAND_INIT, "redis", "--tls-ca /a"));
    assert_true(read_line(COMMAND_INIT, "redis", "--tls-ca /a --tls-cert /b --tls-key /c"));
    assert_false(read_line(COMMAND_INIT, "redis", "--tls-ca /a --tls-cert /b"));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(read_line(COMMAND_INIT, "redis", "--tls-ca /a --tls-key /b"));
    assert_false(read_line(COMMAND_INIT, "redis", "--tls-cert /b --tls-key /c"));
}

/* PATH holds TEXT; POSTGRES_USER_FILE names it. */
static bool read_user_file(const char *path, const char *text, const char *line)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("POSTGRES_USER_FILE", path, 1), 0);
    return read_line(COMMAND_STATUS, "postgres", line);
}

static void the_images_names_come_from_files_too(void **state)
{
    (void)state;
    char path[] = "/tmp/ordain-settings-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
    assert_true(read_user_file(path, "boss\n", ""));
    assert_string_equal(settings.postgres.admin, "boss");
    assert_string_equal(settings.postgres.database, "");
    assert_true(read_user_file(path, "boss", "--admin chief"));
    assert_string_equal(settings.postgres.admin, "chief");
    assert_int_equal(setenv("POSTGRES_DB_FILE", path, 1), 0);
    assert_true(read_user_file(path, "both", ""));
    assert_string_equal(settings.postgres.admin, "both");
    assert_string_equal(settings.postgres.database, "both");
    assert_int_equal(unsetenv("POSTGRES_DB_FILE"), 0);
    static const char *const bad[] = {"", "\n", "two\nlines\n", "a\tb", "tcp://10.96.0.7:5432"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(read_user_file(path, bad[i], ""));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_non_null(strstr(err.message, "POSTGRES_USER_FILE"));
    }
    assert_int_equal(unlink(path), 0);
    assert_false(read_line(COMMAND_STATUS, "postgres", ""));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.message, path));
    /* whoever does not use the name does not ask for the file */
    assert_true(read_line(COMMAND_STATUS, "redis", ""));
    assert_true(read_line(COMMAND_PERMS, "", ""));
}

static void a_value_and_its_file_exclude_each_other_as_in_the_image(void **state)
{
    static const char *const names[] = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char file[64];
        char wanted[160];
        (void)snprintf(file, sizeof file, "%s_FILE", names[i]);
        (void)snprintf(wanted, sizeof wanted, "%s and %s are both set: the image takes one of them",
                       names[i], file);
        assert_int_equal(setenv(names[i], "x", 1), 0);
        assert_int_equal(setenv(file, "/dev/null", 1), 0);
        assert_false(read_line(COMMAND_EXEC, "postgres", ""));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_string_equal(err.message, wanted);
        assert_int_equal(setenv(file, "", 1), 0);
        assert_true(read_line(COMMAND_EXEC, "postgres", ""));
        assert_int_equal(unsetenv(names[i]), 0);
        assert_int_equal(unsetenv(file), 0);
    }
}

static void texts_that_cannot_be_names_or_paths_are_refused(void **state)
{
    (void)state;
    char *long_text = malloc(200000);
    assert_non_null(long_text);
    memset(long_text, 'a', 199999);
    long_text[199999] = '\0';
    static const char *const names[] = {"ORDAIN_ZONES", "ORDAIN_SERVICE", "ORDAIN_DATA_DIR",
                                        "ORDAIN_REDIS_PASSWORD", "ORDAIN_REPLICAS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(read_variable(names[i], long_text));
        assert_true(strlen(err.message) < 200);
    }
    free(long_text);
    assert_false(read_variable("ORDAIN_SERVICE", "a b"));
    assert_false(read_variable("ORDAIN_SERVICE", "a/b"));
    assert_false(read_variable("ORDAIN_CLUSTER_ID", "a\tb"));
    assert_false(read_variable("ORDAIN_DATA_DIR", "/da\nta"));
    assert_true(read_variable("ORDAIN_CLUSTER_ID", "prod/redis \xC3\xA9"));
}

/* One value through setting_parse. */
static bool parse(enum setting_kind kind, int64_t least, int64_t most, size_t offset,
                  const char *text)
{
    struct setting_row row = {.kind = kind, .offset = offset, .least = least, .most = most};
    return setting_parse(&settings, &row, text, "X", ERR_CONFIG, &err);
}

static void integers_are_plain_decimals_within_their_range(void **state)
{
    (void)state;
    size_t at = offsetof(struct settings, replicas);
    static const char *const wrong[] = {"-1",
                                        "+1",
                                        "01",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "0x1",
                                        "1e3",
                                        "one",
                                        "2147483648",
                                        "9223372036854775808"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(parse(KIND_INTEGER, 0, INT32_MAX, at, wrong[i]));
    assert_true(parse(KIND_INTEGER, 0, INT32_MAX, at, "2147483647"));
    assert_int_equal(settings.replicas, 2147483647);
    assert_true(parse(KIND_INTEGER, 0, 5, at, "0"));
    assert_int_equal(settings.replicas, 0);
    assert_true(parse(KIND_INTEGER, 3, 5, at, "3"));
    assert_true(parse(KIND_INTEGER, 3, 5, at, "5"));
    assert_false(parse(KIND_INTEGER, 3, 5, at, "2"));
    assert_false(parse(KIND_INTEGER, 3, 5, at, "6"));
}

static void times_have_a_unit_or_are_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } right[] = {
        {"120",   120000  },
        {"120s",  120000  },
        {"500ms", 500     },
        {"2m",    120000  },
        {"1h",    3600000 },
        {"0",     0       },
        {"0ms",   0       },
        {"24h",   86400000}
    };
    static const char *const wrong[] = {"",   "s",    "1.5s", "2 m",  "1d",
                                        "2M", "1m0s", "25h",  "-1s",  "99999999999999999999",
                                        "01", "1e3",  "1S",   "1 ms", "9223372036854775807h"};
    size_t at = offsetof(struct settings, timeout_ms);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(parse(KIND_DURATION, 0, 86400000, at, right[i].text));
        assert_int_equal(settings.timeout_ms, right[i].ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(parse(KIND_DURATION, 0, 86400000, at, wrong[i]));
    assert_false(parse(KIND_DURATION, 1500, 90000, at, "1s"));
    assert_string_equal(err.message, "X is '1s': a time from 1500ms to 90s is needed, as 120, "
                                     "120s, 500ms or 2m");
}

static void sizes_count_in_powers_of_two(void **state)
{
    (void)state;
    size_t at = offsetof(struct settings, timeout_ms);
    assert_true(parse(KIND_SIZE, 0, INT64_MAX, at, "65536"));
    assert_int_equal(settings.timeout_ms, 65536);
    assert_true(parse(KIND_SIZE, 0, INT64_MAX, at, "64kB"));
    assert_int_equal(settings.timeout_ms, 65536);
    assert_true(parse(KIND_SIZE, 0, INT64_MAX, at, "16Mi"));
    assert_int_equal(settings.timeout_ms, 16777216);
    assert_false(parse(KIND_SIZE, 0, INT64_MAX, at, "9007199254740992GB"));
    assert_false(parse(KIND_SIZE, 0, INT64_MAX, at, "1 GB"));
}

static void versions_have_one_to_three_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int major, minor;
    } right[] = {
        {"7",      7, 0},
        {"7.2",    7, 2},
        {"8.1.1",  8, 1},
        {"6.2.14", 6, 2}
    };
    static const char *const wrong[] = {"7.",     "v7",  ".7",   "7.2.1.1", "7-alpine",
                                        "latest", "0",   "07.2", "7.02",    "1000",
                                        "-7",     "7,2", "7.2.", "7 "};
    size_t at = offsetof(struct settings, redis.version_major);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(parse(KIND_VERSION, 1, 999, at, right[i].text));
        assert_int_equal(settings.redis.version_major, right[i].major);
        assert_int_equal(settings.redis.version_minor, right[i].minor);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(parse(KIND_VERSION, 1, 999, at, wrong[i]));
}

static void switches_and_choices_take_their_words_only(void **state)
{
    (void)state;
    static const char *const on[] = {"true", "yes", "1", "on"};
    static const char *const off[] = {"false", "no", "0", "off"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(read_variable("ORDAIN_ADOPT", on[i]));
        assert_true(settings.adopt);
        assert_true(read_variable("ORDAIN_ADOPT", off[i]));
        assert_false(settings.adopt);
    }
    assert_false(read_variable("ORDAIN_ADOPT", "TRUE"));
    assert_true(read_line(COMMAND_INIT, "redis", "--adopt"));
    assert_true(settings.adopt);
    assert_true(read_line(COMMAND_INIT, "redis", "--adopt=false"));
    assert_false(settings.adopt);
    assert_true(read_variable("ORDAIN_POD_MANAGEMENT", "Parallel"));
    assert_int_equal(settings.pod_management, POD_MANAGEMENT_PARALLEL);
    assert_false(read_variable("ORDAIN_POD_MANAGEMENT", "parallel"));
    assert_string_equal(err.message, "ORDAIN_POD_MANAGEMENT is 'parallel': OrderedReady or "
                                     "Parallel is needed");
    assert_false(read_variable("ORDAIN_LOG_LEVEL", "x"));
    assert_string_equal(err.message,
                        "ORDAIN_LOG_LEVEL is 'x': debug, info, warn or error is needed");
}

/* The table itself. */
static void rows_are_told_apart_and_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        assert_true(row->info.flag != NULL || row->info.variable != NULL);
        assert_true(row->info.commands != 0);
        assert_true(row->info.help[0] != '\0');
        assert_true((row->info.value == NULL) == (row->kind == KIND_SWITCH));
        assert_true(row->kind != KIND_SECRET || row->info.flag == NULL);
        for (size_t j = 0; j < i; j++) {
            const struct setting_row *other = &setting_rows[j];
            assert_false(row->info.variable != NULL && other->info.variable != NULL &&
                         strcmp(row->info.variable, other->info.variable) == 0);
            assert_false(row->info.flag != NULL && other->info.flag != NULL &&
                         strcmp(row->info.flag, other->info.flag) == 0 &&
                         strcmp(row->info.engine, other->info.engine) == 0);
        }
    }
}

#define ALONE(test) cmocka_unit_test_setup(test, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(nothing_told_gives_the_defaults),
        ALONE(no_text_is_ever_null),
        ALONE(a_flag_wins_over_its_variable),
        ALONE(an_empty_variable_is_not_set),
        ALONE(operands_are_gathered_behind_the_flags),
        ALONE(engine_flags_are_plain_where_the_engine_is_named),
        ALONE(a_wrong_flag_is_usage_and_a_wrong_variable_configuration),
        ALONE(unknown_flags_are_told_with_the_nearest_one),
        ALONE(the_first_of_many_errors_is_told_and_the_log_settings_still_read),
        ALONE(a_password_is_never_a_flag),
        ALONE(unknown_variables_are_told_with_the_nearest_one),
        ALONE(service_links_are_passed_over),
        ALONE(a_service_link_in_a_setting_names_the_line_that_mends_it),
        ALONE(settings_of_others_do_not_fail),
        ALONE(what_kubernetes_did_not_replace_is_told),
        ALONE(the_kubelets_own_names_are_read),
        ALONE(colour_ends_with_no_color_unless_asked_for),
        ALONE(certificates_and_keys_come_together),
        ALONE(the_images_names_come_from_files_too),
        ALONE(a_value_and_its_file_exclude_each_other_as_in_the_image),
        ALONE(texts_that_cannot_be_names_or_paths_are_refused),
        ALONE(integers_are_plain_decimals_within_their_range),
        ALONE(times_have_a_unit_or_are_seconds),
        ALONE(sizes_count_in_powers_of_two),
        ALONE(versions_have_one_to_three_parts),
        ALONE(switches_and_choices_take_their_words_only),
        ALONE(rows_are_told_apart_and_explained),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
