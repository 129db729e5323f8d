#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cJSON.h>
#include <cmocka.h>

#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "init/sys/progress.h"
#include "init/sys/termination.h"

/* Linked with --wrap=clock_now_ns: time may be let pass. */
static int64_t passed_ns;
int64_t __real_clock_now_ns(void);
int64_t __wrap_clock_now_ns(void);
int64_t __wrap_clock_now_ns(void)
{
    return __real_clock_now_ns() + passed_ns;
}

static int saved = -1;
static char text[65536];

/* Standard error goes to FD until captured() answers what came. */
static void capture(int fd)
{
    saved = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static void release(void)
{
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
}

static int file_of(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static const char *captured(int fd)
{
    release();
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    (void)close(fd);
    return text;
}

static void text_has_a_level_and_a_message(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(false, LOG_LEVEL_DEBUG, NULL);
    capture(fd);
    log_debug("a %d", 1);
    log_info("b");
    log_warn("c");
    log_error("d");
    log_failure("e");
    assert_string_equal(captured(fd), "debug: a 1\ninfo: b\nwarning: c\nerror: d\nordain: e\n");
}

static void lower_levels_stay_silent(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(false, LOG_LEVEL_WARN, NULL);
    capture(fd);
    log_debug("a");
    log_info("b");
    log_warn("c");
    assert_string_equal(captured(fd), "warning: c\n");
}

static void the_last_sentence_is_kept_although_it_is_not_shown(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(false, LOG_LEVEL_ERROR, NULL);
    capture(fd);
    log_info("the cluster is whole");
    log_debug("no matter");
    assert_string_equal(captured(fd), "");
    assert_string_equal(log_last(), "the cluster is whole");
}

static void errno_survives(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    log_open(false, LOG_LEVEL_INFO, NULL);
    capture(fd);
    errno = ENOTTY;
    log_info("x");
    assert_int_equal(errno, ENOTTY);
    release();
    (void)close(fd);
}

static void no_words_can_forge_a_line_or_steer_a_terminal(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(false, LOG_LEVEL_INFO, NULL);
    capture(fd);
    log_info("%s", "a\nerror: b\x1b[2J\x7f \xC2\x9B \xC3\xA9 \xFF");
    assert_string_equal(captured(fd),
                        "info: a\\x0Aerror: b\\x1B[2J\\x7F \\xC2\\x9B \xC3\xA9 \\xFF\n");
}

static void each_json_line_is_one_valid_object(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(true, LOG_LEVEL_INFO, "redis-0");
    capture(fd);
    log_warn("%s", "\"quoted\" back\\slash\n\x01 \xC3\xA9\xE2\x82\xAC\xF0\x9F\x92\xA9 \xC2\x85");
    cJSON *line = cJSON_Parse(captured(fd));
    assert_non_null(line);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(line, "level")), "warn");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(line, "pod")), "redis-0");
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(line, "msg")),
        "\"quoted\" back\\slash\n\x01 \xC3\xA9\xE2\x82\xAC\xF0\x9F\x92\xA9 \xC2\x85");
    int year = 0;
    int month = 0;
    int millisecond = -1;
    char zone = 0;
    const char *ts = cJSON_GetStringValue(cJSON_GetObjectItem(line, "ts"));
    assert_int_equal(
        sscanf(ts, "%4d-%2d-%*2dT%*2d:%*2d:%*2d.%3d%c", &year, &month, &millisecond, &zone), 4);
    assert_true(year >= 2026 && month >= 1 && month <= 12 && millisecond >= 0 && zone == 'Z');
    cJSON_Delete(line);
}

static void bytes_that_are_no_utf8_are_replaced_in_json(void **state)
{
    (void)state;
    /* a lone continuation, an overlong slash, a surrogate, beyond U+10FFFF, a cut sequence */
    static const char *const wrong[] = {
        "\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFE"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int fd = file_of();
        log_open(true, LOG_LEVEL_INFO, NULL);
        capture(fd);
        log_info("a%sb", wrong[i]);
        cJSON *line = cJSON_Parse(captured(fd));
        assert_non_null(line);
        char expected[64] = "a";
        for (size_t j = 0; j < strlen(wrong[i]); j++)
            strcat(expected, "\xEF\xBF\xBD");
        strcat(expected, "b");
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(line, "msg")), expected);
        assert_null(cJSON_GetObjectItem(line, "pod"));
        cJSON_Delete(line);
    }
}

static void the_longest_message_is_still_one_line(void **state)
{
    (void)state;
    static char long_text[9000];
    memset(long_text, '\x01', sizeof long_text - 1);
    for (int json = 0; json < 2; json++) {
        int fd = file_of();
        log_open(json != 0, LOG_LEVEL_INFO, NULL);
        capture(fd);
        log_info("%s", long_text);
        const char *line = captured(fd);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        assert_true(strlen(line) > 8000);
    }
}

static void a_wait_is_told_at_first_and_when_its_sentence_changes(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(false, LOG_LEVEL_INFO, NULL);
    capture(fd);
    log_wait_end();
    for (int i = 0; i < 5; i++)
        log_wait("the name of redis-%d", 0);
    log_wait("the name of redis-%d", 1);
    log_wait_end();
    log_wait("the name of redis-%d", 1);
    log_wait_end();
    assert_string_equal(captured(fd), "info: waiting for the name of redis-0\n"
                                      "info: waiting for the name of redis-1\n"
                                      "info: waiting for the name of redis-1\n");
}

static void a_long_wait_is_told_again_every_ten_seconds(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(false, LOG_LEVEL_INFO, NULL);
    capture(fd);
    for (int i = 0; i < 25; i++) {
        log_wait("a name");
        passed_ns += CLOCK_S;
    }
    log_wait_end();
    assert_string_equal(captured(fd), "info: waiting for a name\n"
                                      "info: still waiting for a name (10 s)\n"
                                      "info: still waiting for a name (20 s)\n");
}

static void on_a_terminal_a_wait_is_one_line_that_is_rewritten(void **state)
{
    (void)state;
    int terminal = -1;
    struct winsize size = {.ws_row = 24, .ws_col = 30};
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    assert_true(child >= 0);
    if (child == 0) {
        struct progress progress = progress_start("x", 100, PROGRESS_ITEMS);
        log_open(false, LOG_LEVEL_INFO, NULL);
        log_wait("a name that is longer than the terminal is wide");
        log_info("news");
        log_wait_end();
        log_wait("b");
        log_wait_end();
        progress.told_ns = 0;
        progress_update(&progress, 50);
        progress_end();
        _exit(0);
    }
    size_t length = 0;
    ssize_t got;
    while ((got = read(terminal, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    (void)close(terminal);
    const char *start = "\r\033[Kwaiting for a name that is lo\r\033[Kinfo: news\r\n"
                        "\r\033[Kwaiting for b (0 s)\r\033[K\r\033[K[############....";
    assert_memory_equal(text, start, strlen(start));
    assert_string_equal(text + length - 4, "\r\033[K");
}

static void progress_says_how_far_and_how_long(void **state)
{
    (void)state;
    char sentence[256];
    struct progress progress = {.what = "cloning from a", .total = 3U << 30, .started_ns = 0};
    progress_sentence(&progress, 3U << 29, 128 * CLOCK_S, sentence);
    assert_string_equal(sentence,
                        "cloning from a: 1.5 GiB of 3.0 GiB (50%), 12.0 MiB/s, 2 min 8 s left");
    progress_sentence(&progress, 3U << 30, 256 * CLOCK_S, sentence);
    assert_string_equal(sentence, "cloning from a: 3.0 GiB of 3.0 GiB (100%), 12.0 MiB/s");
    progress_sentence(&progress, 0, 0, sentence);
    assert_string_equal(sentence, "cloning from a: 0 B of 3.0 GiB (0%), 0 B/s");
    progress.total = 0;
    progress.unit = PROGRESS_ITEMS;
    progress_sentence(&progress, 5000, 10 * CLOCK_S, sentence);
    assert_string_equal(sentence, "cloning from a: 5000, 500/s");
}

static void without_a_terminal_progress_is_a_line_each_ten_seconds(void **state)
{
    (void)state;
    int fd = file_of();
    log_open(false, LOG_LEVEL_INFO, NULL);
    capture(fd);
    struct progress progress = progress_start("copying", 10, PROGRESS_ITEMS);
    progress_update(&progress, 1);
    progress.told_ns -= 10 * CLOCK_S;
    progress_update(&progress, 5);
    progress_update(&progress, 6);
    progress_end();
    const char *line = captured(fd);
    assert_memory_equal(line, "info: copying: 5 of 10 (50%)", 28);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void the_last_words_reach_a_file_that_is_there(void **state)
{
    (void)state;
    char path[] = "/tmp/ordain-words-XXXXXX";
    char words[3000];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "something older and longer", 26), 26);
    termination_write(path, "short");
    assert_int_equal(pread(fd, text, sizeof text, 0), 5);
    memset(words, 'a', sizeof words);
    words[2999] = '\0';
    termination_write(path, words);
    assert_int_equal(pread(fd, text, sizeof text, 0), 1024);
    (void)close(fd);
    char link[64];
    (void)snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink(path, link), 0);
    termination_write(link, "through a link");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, text, sizeof text, 0), 1024);
    (void)close(fd);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(path), 0);
    termination_write(path, "a missing file is not made");
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_terminal_a_wait_is_one_line_that_is_rewritten),
        cmocka_unit_test(text_has_a_level_and_a_message),
        cmocka_unit_test(lower_levels_stay_silent),
        cmocka_unit_test(the_last_sentence_is_kept_although_it_is_not_shown),
        cmocka_unit_test(errno_survives),
        cmocka_unit_test(no_words_can_forge_a_line_or_steer_a_terminal),
        cmocka_unit_test(each_json_line_is_one_valid_object),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced_in_json),
        cmocka_unit_test(the_longest_message_is_still_one_line),
        cmocka_unit_test(a_wait_is_told_at_first_and_when_its_sentence_changes),
        cmocka_unit_test(a_long_wait_is_told_again_every_ten_seconds),
        cmocka_unit_test(progress_says_how_far_and_how_long),
        cmocka_unit_test(without_a_terminal_progress_is_a_line_each_ten_seconds),
        cmocka_unit_test(the_last_words_reach_a_file_that_is_there),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
