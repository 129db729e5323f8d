#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/register/register.h"
#include "init/sys/buf.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"

#define RACES 1000

static char dir[64], name[80], path[128], lock_path[128];
static struct register_store *store;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "%s", "/tmp/test_register.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(name, sizeof name, "file:%s", dir);
    (void)snprintf(path, sizeof path, "%s/redis-ordain", dir);
    (void)snprintf(lock_path, sizeof lock_path, "%s/.redis-ordain.lock", dir);
    assert_true(register_open(&store, name, "redis", "cache", "cache/redis", &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    register_close(store);
    (void)unlink(path);
    (void)unlink(lock_path);
    return rmdir(dir); /* nothing else may be left */
}

static void put(const char *text)
{
    assert_true(file_write(path, text, strlen(text), 0644, NULL, &err));
}

static void holds(const char *text)
{
    struct buf buf = buf_new(1 << 20);
    assert_true(file_read(path, &buf, NULL, &err));
    assert_string_equal(buf_text(&buf), text);
    buf_free(&buf);
}

static int64_t soon(void)
{
    return clock_deadline_ns(10000);
}

static bool swap(const char *key, const char *expected, const char *value)
{
    bool swapped = false;
    char present[REGISTER_VALUE_MAX];
    if (!register_swap(store, key, expected, value, &swapped, present, soon(), &err))
        fail_msg("%s", err.message);
    return swapped;
}

/* get and swap both fail so, and the file stays as it is. */
static void both_fail(enum err_kind kind, const char *part)
{
    char value[REGISTER_VALUE_MAX];
    bool found;
    bool swapped;
    assert_false(register_get(store, "seeded.0", value, &found, soon(), &err));
    assert_int_equal(err.kind, kind);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' is not in: %s", part, err.message);
    assert_false(register_swap(store, "seeded.0", NULL, "1", &swapped, NULL, soon(), &err));
    assert_int_equal(err.kind, kind);
    assert_non_null(strstr(err.message, part));
}

static void a_register_that_nobody_wrote_holds_nothing(void **state)
{
    (void)state;
    char value[REGISTER_VALUE_MAX] = "x";
    bool found = true;
    assert_true(register_get(store, "seeded.0", value, &found, soon(), &err));
    assert_false(found);
    assert_string_equal(value, "");
    assert_int_equal(register_kind(store), REGISTER_FILE);
    assert_string_equal(register_describe(store) + strlen(name), "/redis-ordain");
}

static void the_first_change_writes_format_and_cluster_id_too(void **state)
{
    (void)state;
    assert_true(swap("seeded.0", NULL, "2026-01-02"));
    holds("format=1\ncluster-id=cache/redis\nseeded.0=2026-01-02\n");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0664);
    assert_int_equal(stat(lock_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0664);
}

static void a_value_is_swapped_only_for_the_expected_one(void **state)
{
    (void)state;
    char present[REGISTER_VALUE_MAX];
    bool swapped;
    assert_true(swap("primary", NULL, "pg-0"));
    assert_true(register_swap(store, "primary", NULL, "pg-1", &swapped, present, soon(), &err));
    assert_false(swapped);
    assert_string_equal(present, "pg-0");
    assert_true(register_swap(store, "primary", "pg-2", "pg-1", &swapped, present, soon(), &err));
    assert_false(swapped);
    assert_string_equal(present, "pg-0");
    assert_true(swap("primary", "pg-0", "pg-1"));
    assert_true(register_get(store, "primary", present, &swapped, soon(), &err));
    assert_string_equal(present, "pg-1");
    assert_true(register_swap(store, "none", "x", "y", &swapped, present, soon(), &err));
    assert_false(swapped);
    assert_string_equal(present, "");
    assert_true(register_swap(store, "none", "x", "y", &swapped, NULL, soon(), &err));
    holds("format=1\ncluster-id=cache/redis\nprimary=pg-1\n");
}

static void several_keys_are_read_at_once(void **state)
{
    (void)state;
    struct register_reading readings[3] = {{.key = "primary"}, {.key = "none"}, {.key = "empty"}};
    put("format=1\ncluster-id=cache/redis\nempty=\nprimary=pg-1\n");
    assert_true(register_get_all(store, readings, 3, soon(), &err));
    assert_true(readings[0].found);
    assert_string_equal(readings[0].value, "pg-1");
    assert_false(readings[1].found);
    assert_string_equal(readings[1].value, "");
    assert_true(readings[2].found);
    assert_string_equal(readings[2].value, "");
    assert_true(register_get_all(store, NULL, 0, soon(), &err));
}

static void a_beginning_reads_the_first_key_that_has_it(void **state)
{
    (void)state;
    struct register_reading readings[] = {
        {.key = "seeded.", .prefix = true},
        {.key = "node.",                .prefix = true},
        {.key = "seeded."}
    };
    put("format=1\ncluster-id=cache/redis\nseeded.2=two\nseeded.7=seven\n");
    assert_true(register_get_all(store, readings, 3, soon(), &err));
    assert_true(readings[0].found);
    assert_string_equal(readings[0].value, "two");
    assert_false(readings[1].found);
    assert_string_equal(readings[1].value, "");
    assert_false(readings[2].found);
}

static void several_keys_are_swapped_together_or_not_at_all(void **state)
{
    (void)state;
    struct register_reading present[3];
    struct register_change changes[] = {
        {"primary",           NULL, "pg-0"},
        {"timeline",          NULL, "1"   },
        {"system-identifier", NULL, "77"  },
    };
    bool swapped;
    assert_true(register_swap_all(store, changes, 3, &swapped, NULL, soon(), &err));
    assert_true(swapped);
    const char *all = "format=1\ncluster-id=cache/redis\nprimary=pg-0\nsystem-identifier=77\n"
                      "timeline=1\n";
    holds(all);
    changes[0] = (struct register_change){"primary", "pg-0", "pg-1"};
    changes[1] = (struct register_change){"timeline", "2", "3"};
    changes[2] = (struct register_change){"x", NULL, "y"};
    assert_true(register_swap_all(store, changes, 3, &swapped, present, soon(), &err));
    assert_false(swapped);
    assert_string_equal(present[0].key, "primary");
    assert_string_equal(present[0].value, "pg-0");
    assert_string_equal(present[1].value, "1");
    assert_false(present[2].found);
    holds(all);
    changes[1] = (struct register_change){"timeline", "1", "1"}; /* only looked at */
    assert_true(register_swap_all(store, changes, 3, &swapped, present, soon(), &err));
    assert_true(swapped);
    holds(
        "format=1\ncluster-id=cache/redis\nprimary=pg-1\nsystem-identifier=77\ntimeline=1\nx=y\n");
}

static void keys_are_sorted_and_what_is_unknown_stays_where_it_is(void **state)
{
    (void)state;
    put("format=1\ncluster-id=cache/redis\nx-later= a = b \nnote=by hand\nempty=\nzz=\xc3\xa9\n");
    assert_true(swap("seeded.1", NULL, "1"));
    assert_true(swap("seeded.0", NULL, "1"));
    assert_true(swap("a", NULL, "1"));
    holds("format=1\ncluster-id=cache/redis\na=1\nseeded.0=1\nseeded.1=1\nx-later= a = b \n"
          "note=by hand\nempty=\nzz=\xc3\xa9\n");
    put("seeded.9=1\nmine=1");
    assert_true(swap("seeded.2", NULL, "1"));
    holds("format=1\ncluster-id=cache/redis\nseeded.2=1\nseeded.9=1\nmine=1\n");
}

static void another_clusters_register_is_refused(void **state)
{
    (void)state;
    put("format=1\ncluster-id=prod/redis\n");
    both_fail(ERR_REFUSED, "is of the cluster 'prod/redis', and this is 'cache/redis'");
    holds("format=1\ncluster-id=prod/redis\n");
}

static void an_unknown_format_asks_for_a_newer_version(void **state)
{
    (void)state;
    put("format=2\ncluster-id=prod/redis\nwhatever\n");
    both_fail(ERR_CONFIG, "line 3");
    put("format=2\ncluster-id=prod/redis\n");
    both_fail(ERR_CONFIG, "has format '2'");
    put("format=1\n");
    both_fail(ERR_CONFIG, "it has no 'cluster-id'");
    put("cluster-id=cache/redis\nseeded.0=1\n");
    both_fail(ERR_CONFIG, "it has no 'format'");
}

static void damage_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"x",                   "line 1"                             },
        {"\n",                  "line 1"                             },
        {"a=1\n\nb=1\n",        "line 2"                             },
        {"a=1\n=2\n",           "line 2"                             },
        {"a=1\nb=2\na=1\n",     "line 3"                             },
        {"a=1\nb c=2\n",        "line 2"                             },
        {"a=1\r\n",             "line 1"                             },
        {"a=1\nb=\x01\n",       "line 2"                             },
        {"a=1\nb=\x7f\n",       "line 2"                             },
        {"a=1\n# comment\n",    "line 2"                             },
        {"\xef\xbb\xbf"
         "format=1\n", "line 1"                             },
        {"<html>a=b</html>\n",  "line 1"                             },
        {"",                    "is empty, which ordain never writes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i].text);
        both_fail(ERR_CONFIG, cases[i].part);
        holds(cases[i].text);
    }
    assert_true(file_write(path, "a=1\nb=\0\n", 8, 0644, NULL, &err));
    both_fail(ERR_CONFIG, "line 2");
}

static void a_register_has_its_limits(void **state)
{
    (void)state;
    struct buf text = buf_new((size_t)2 << 20);
    buf_add_text(&text, "format=1\ncluster-id=cache/redis\nseeded.0=");
    for (int i = 0; i < 256; i++)
        buf_add_text(&text, "a");
    buf_add_text(&text, "\n");
    put(buf_text(&text));
    char value[REGISTER_VALUE_MAX];
    bool found;
    assert_false(register_get(store, "seeded.0", value, &found, soon(), &err));
    assert_non_null(strstr(err.message, "'seeded.0' has 256 bytes"));
    assert_true(register_get(store, "seeded.1", value, &found, soon(), &err));
    for (int i = 0; i < 4093; i++)
        buf_printf(&text, "k%d=\n", i);
    put(buf_text(&text)); /* 4096 */
    assert_true(register_get(store, "k4092", value, &found, soon(), &err));
    assert_true(found);
    buf_add_text(&text, "k=\n");
    put(buf_text(&text));
    both_fail(ERR_CONFIG, "line 4097");
    while (text.len <= (size_t)1 << 20)
        buf_add_text(&text, "0123456789abcdef");
    put(buf_text(&text));
    both_fail(ERR_CONFIG, "larger than 1048576 bytes");
    buf_free(&text);
}

static void a_place_that_is_none_is_a_wrong_setting(void **state)
{
    (void)state;
    char wrong[100];
    register_close(store);
    (void)snprintf(wrong, sizeof wrong, "%s/no", name);
    assert_true(register_open(&store, wrong, "redis", "cache", "cache/redis", &err));
    both_fail(ERR_CONFIG, "/no' does not exist");
    register_close(store);
    put("x=1\n");
    (void)snprintf(wrong, sizeof wrong, "%s/redis-ordain", name);
    assert_true(register_open(&store, wrong, "redis", "cache", "cache/redis", &err));
    both_fail(ERR_CONFIG, "is no directory");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    register_close(store);
    assert_true(register_open(&store, name, "redis", "cache", "cache/redis", &err));
    both_fail(ERR_CONFIG, "is a directory");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    both_fail(ERR_CONFIG, "not a regular file");
}

static void the_setting_is_one_of_three(void **state)
{
    (void)state;
    struct register_store *other = NULL;
    static const struct {
        const char *setting, *statefulset, *cluster_id, *part;
    } cases[] = {
        {"kubernetes", "redis", "c",    "KUBERNETES_SERVICE_HOST is not set"},
        {"kubernetes", "",      "c",    "ORDAIN_STATEFULSET"                },
        {"kubernetes", "Redis", "c",    "not 'cache' and 'Redis'"           },
        {"kubernetes", "a%2f",  "c",    "not 'cache' and 'a%2f'"            },
        {"file:",      "redis", "c",    "names no directory"                },
        {"/register",  "redis", "c",    "'/register' is none of"            },
        {"None",       "redis", "c",    "is none of"                        },
        {"file:/r",    "",      "c",    "ORDAIN_STATEFULSET"                },
        {"file:/r",    "../x",  "c",    "ORDAIN_STATEFULSET"                },
        {"file:/r",    "redis", "",     "ORDAIN_CLUSTER_ID"                 },
        {"file:/r",    "redis", "a\nb", "ORDAIN_CLUSTER_ID"                 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(register_open(&other, cases[i].setting, cases[i].statefulset, "cache",
                                   cases[i].cluster_id, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        if (strstr(err.message, cases[i].part) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].part, err.message);
    }
    assert_false(register_open(&other, "kubernetes", "redis", "a?b", "c", &err));
    assert_non_null(strstr(err.message, "not 'a?b' and 'redis'"));
    assert_null(other);
}

static void a_configmap_is_described_before_it_is_asked(void **state)
{
    (void)state;
    struct register_store *other;
    assert_int_equal(setenv("KUBERNETES_SERVICE_HOST", "2001:db8::1", 1), 0);
    assert_true(register_open(&other, "kubernetes", "redis", "cache", "cache/redis", &err));
    assert_int_equal(register_kind(other), REGISTER_KUBERNETES);
    assert_string_equal(register_describe(other), "configmap cache/redis-ordain");
    register_close(other);
    assert_int_equal(unsetenv("KUBERNETES_SERVICE_HOST"), 0);
}

static void none_holds_nothing_and_takes_nothing(void **state)
{
    (void)state;
    static const char *const settings[] = {"none", ""};
    for (size_t i = 0; i < 2; i++) {
        struct register_store *none;
        char value[REGISTER_VALUE_MAX];
        bool flag = true;
        assert_true(register_open(&none, settings[i], "", "", "", &err));
        assert_int_equal(register_kind(none), REGISTER_NONE);
        assert_string_equal(register_describe(none), "none");
        assert_true(register_get(none, "seeded.0", value, &flag, soon(), &err));
        assert_false(flag);
        assert_false(register_swap(none, "seeded.0", NULL, "1", &flag, NULL, soon(), &err));
        assert_int_equal(err.kind, ERR_REFUSED);
        register_close(none);
    }
}

static void a_lock_that_is_held_is_waited_for_till_the_deadline(void **state)
{
    (void)state;
    bool swapped;
    assert_true(swap("a", NULL, "1"));
    int fd = open(lock_path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    int64_t start_ns = clock_now_ns();
    assert_false(
        register_swap(store, "b", NULL, "1", &swapped, NULL, clock_deadline_ns(300), &err));
    int64_t took_ms = (clock_now_ns() - start_ns) / CLOCK_MS;
    assert_int_equal(err.kind, ERR_LATER);
    assert_non_null(strstr(err.message, "held by another pod"));
    assert_in_range(took_ms, 290, 2000);
    char value[REGISTER_VALUE_MAX];
    assert_true(
        register_get(store, "a", value, &swapped, soon(), &err)); /* reading needs no lock */
    assert_true(swapped);
    pid_t child = fork();
    if (child == 0) {
        (void)usleep(200000);
        _exit(0); /* the last copy of fd is closed: the lock is free, as after a kill */
    }
    (void)close(fd);
    assert_true(swap("b", NULL, "1"));
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_lock_file_that_was_removed_holds_nobody_off(void **state)
{
    (void)state;
    assert_true(swap("a", NULL, "1"));
    int fd = open(lock_path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(unlink(lock_path), 0);
    assert_true(swap("b", NULL, "1"));
    assert_int_equal(symlink("/etc/passwd", lock_path), -1); /* there again */
    (void)close(fd);
}

/* Counts "count" up COUNT times by compare and swap; the number of lost races. */
static int count_up(int count)
{
    int lost = 0;
    while (count > 0) {
        char now[REGISTER_VALUE_MAX];
        char next[32];
        bool found;
        bool swapped;
        int64_t deadline_ns = clock_deadline_ns(60000);
        if (!register_get(store, "count", now, &found, deadline_ns, &err))
            _exit(1);
        (void)snprintf(next, sizeof next, "%d", atoi(now) + 1);
        if (!register_swap(store, "count", found ? now : NULL, next, &swapped, NULL, deadline_ns,
                           &err))
            _exit(2);
        count -= swapped;
        lost += !swapped;
    }
    return lost;
}

static int counted(void)
{
    char now[REGISTER_VALUE_MAX];
    bool found;
    if (!register_get(store, "count", now, &found, soon(), &err))
        fail_msg("%s", err.message);
    return atoi(now);
}

static void of_two_processes_that_race_each_swap_is_one_process_own(void **state)
{
    (void)state;
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            (void)count_up(RACES / 2);
            _exit(0);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(counted(), RACES);
}

static void a_kill_at_any_moment_leaves_a_whole_register(void **state)
{
    (void)state;
    int before = 0;
    for (useconds_t i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child == 0) {
            (void)count_up(1000000);
            _exit(0);
        }
        (void)usleep(1000 + i * 97 % 5000);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        int now = counted();
        assert_true(now >= before);
        before = now;
    }
    assert_true(before > 0);
    assert_true(swap("end", NULL, "1")); /* clears what the killed left */
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    (void)unsetenv("KUBERNETES_SERVICE_HOST");
    const struct CMUnitTest tests[] = {
        TEST(a_register_that_nobody_wrote_holds_nothing),
        TEST(the_first_change_writes_format_and_cluster_id_too),
        TEST(a_value_is_swapped_only_for_the_expected_one),
        TEST(several_keys_are_read_at_once),
        TEST(a_beginning_reads_the_first_key_that_has_it),
        TEST(several_keys_are_swapped_together_or_not_at_all),
        TEST(keys_are_sorted_and_what_is_unknown_stays_where_it_is),
        TEST(another_clusters_register_is_refused),
        TEST(an_unknown_format_asks_for_a_newer_version),
        TEST(damage_is_told_with_its_line),
        TEST(a_register_has_its_limits),
        TEST(a_place_that_is_none_is_a_wrong_setting),
        TEST(the_setting_is_one_of_three),
        TEST(a_configmap_is_described_before_it_is_asked),
        TEST(none_holds_nothing_and_takes_nothing),
        TEST(a_lock_that_is_held_is_waited_for_till_the_deadline),
        TEST(a_lock_file_that_was_removed_holds_nobody_off),
        TEST(of_two_processes_that_race_each_swap_is_one_process_own),
        TEST(a_kill_at_any_moment_leaves_a_whole_register),
    };
    return cmocka_run_group_tests_name("register", tests, NULL, NULL);
}
