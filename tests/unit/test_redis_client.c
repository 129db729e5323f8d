#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/redis/client.h"
#include "init/sys/clock.h"
#include "tests/unit/scripted.h"

#define PATIENCE_MS 400
#define LATE_MS 5000 /* of a machine that has much to do */

static struct redis_client *client;
static struct redis_call calls[256];
static size_t call_count;

static void open_client(const char *username, const char *password)
{
    struct settings settings;
    struct err err;
    memset(&settings, 0, sizeof(settings));
    settings.redis.username = username;
    settings.redis.password = password;
    settings.redis.password_file = "";
    settings.redis.tls_ca = settings.redis.tls_cert = settings.redis.tls_key = "";
    settings.config_dir = settings.data_dir = "";
    assert_true(redis_client_open(&client, &settings, &err));
    call_count = 0;
}

static void close_client(void)
{
    redis_calls_free(calls, call_count);
    redis_client_close(client);
}

static int server_at(int port)
{
    struct addr addr;
    assert_true(addr_parse(&addr, "127.0.0.1"));
    return redis_client_server(client, &addr, port, "");
}

static const struct redis_call *ask(int server)
{
    static const char *const ping[] = {"PING"};
    calls[call_count] = redis_call_new(server, 1, ping);
    return &calls[call_count++];
}

static void run_round(int64_t connect_ms, int64_t patience_ms)
{
    int64_t start_ns = clock_now_ns();
    redis_client_round(client, calls, call_count, start_ns + connect_ms * CLOCK_MS,
                       start_ns + patience_ms * CLOCK_MS);
    assert_true(clock_now_ns() - start_ns < (patience_ms + LATE_MS) * CLOCK_MS);
}

/* One question to a server of SCRIPT, one round; the answer is in calls[0]. */
static const struct redis_call *ask_one(const struct script *script, int64_t patience_ms)
{
    struct scripted *server = scripted_start(script);
    open_client("", "");
    ask(server_at(scripted_port(server)));
    run_round(patience_ms, patience_ms);
    scripted_stop(server);
    return &calls[0];
}

static void expect_one(const char *reply, enum redis_answer answer, const char *text)
{
    struct script script = {.head = reply, .end = SCRIPTED_CLOSES};
    const struct redis_call *call = ask_one(&script, LATE_MS);
    assert_int_equal(call->answer, answer);
    if (text != NULL)
        assert_string_equal(redis_call_text(call), text);
    close_client();
}

/* --- what Redis says --- */

static void each_kind_of_reply_is_told(void **state)
{
    (void)state;
    expect_one("+PONG\r\n", REDIS_TEXT, "PONG");
    expect_one("$5\r\na\r\nbc\r\n", REDIS_TEXT, "a\r\nbc");
    expect_one("$0\r\n\r\n", REDIS_TEXT, "");
    expect_one("-ERR no\r\n", REDIS_ERROR, "ERR no");
    expect_one("$-1\r\n", REDIS_OTHER, "");
    expect_one("*-1\r\n", REDIS_OTHER, "");
    expect_one("*0\r\n", REDIS_OTHER, "");
    expect_one("*2\r\n$1\r\na\r\n$1\r\nb\r\n", REDIS_OTHER, "a\nb\n");
    expect_one("*2\r\n:7\r\n*2\r\n+x\r\n:8\r\n", REDIS_OTHER, "7\nx\n8\n");
    expect_one("%1\r\n+a\r\n+b\r\n", REDIS_OTHER, "a\nb\n");
    struct script number = {.head = ":-42\r\n"};
    assert_int_equal(ask_one(&number, LATE_MS)->answer, REDIS_NUMBER);
    assert_int_equal(calls[0].number, -42);
    assert_string_equal(redis_call_text(&calls[0]), "");
    close_client();
}

static void answers_know_what_they_mean(void **state)
{
    static const struct {
        const char *reply, *word;
        bool denied;
        enum err_kind kind;
    } errors[] = {
        {"-NOAUTH Authentication required.\r\n",   "NOAUTH",     true,  ERR_DENIED},
        {"-WRONGPASS invalid pair\r\n",            "WRONGPASS",  true,  ERR_DENIED},
        {"-NOPERM no permissions\r\n",             "NOPERM",     true,  ERR_DENIED},
        {"-LOADING Redis is loading\r\n",          "LOADING",    false, ERR_LATER },
        {"-MASTERDOWN Link with MASTER\r\n",       "MASTERDOWN", false, ERR_LATER },
        {"-BUSY Redis is busy\r\n",                "BUSY",       false, ERR_LATER },
        {"-ERR max number of clients reached\r\n", "ERR",        false, ERR_LATER },
    };
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct script script = {.head = errors[i].reply, .end = SCRIPTED_CLOSES};
        const struct redis_call *call = ask_one(&script, LATE_MS);
        assert_int_equal(call->answer, REDIS_ERROR);
        assert_true(redis_call_is_error(call, errors[i].word));
        assert_false(redis_call_is_ok(call));
        assert_int_equal(redis_call_is_denied(call), errors[i].denied);
        assert_false(redis_call_err(call, "redis-0", &err));
        assert_int_equal(err.kind, errors[i].kind);
        assert_non_null(strstr(err.message, errors[i].word));
        assert_non_null(strstr(err.message, "redis-0"));
        close_client();
    }
}

static void only_ok_is_ok(void **state)
{
    struct script script = {.head = "+OK\r\n"};
    (void)state;
    assert_true(redis_call_is_ok(ask_one(&script, LATE_MS)));
    assert_false(redis_call_is_error(&calls[0], ""));
    close_client();
    script.head = "+OKAY\r\n";
    assert_false(redis_call_is_ok(ask_one(&script, LATE_MS)));
    close_client();
}

static void a_full_server_says_so_before_it_is_asked_and_hangs_up(void **state)
{
    struct script script = {
        .head = "-ERR max number of clients reached\r\n", .at_once = true, .end = SCRIPTED_CLOSES};
    (void)state;
    for (int named = 0; named < 2; named++) {
        struct scripted *server = scripted_start(&script);
        open_client(named ? "ordain" : "", named ? "secret" : "");
        ask(server_at(scripted_port(server)));
        run_round(LATE_MS, LATE_MS);
        scripted_stop(server);
        /* the reset that follows may outrun what was said, yet it is never taken for an answer */
        if (calls[0].answer != REDIS_BROKEN)
            assert_true(redis_call_is_error(&calls[0], "ERR max number of clients"));
        close_client();
    }
}

/* --- AUTH --- */

static void expect_auth(const char *replies, enum redis_answer answer, const char *text)
{
    struct script script = {.head = replies, .wanted = "PING"};
    struct scripted *server = scripted_start(&script);
    open_client("ordain", "secret");
    ask(server_at(scripted_port(server)));
    run_round(LATE_MS, LATE_MS);
    assert_int_equal(calls[0].answer, answer);
    assert_string_equal(redis_call_text(&calls[0]), text);
    scripted_stop(server);
    close_client();
}

static void the_answer_to_auth_is_no_answer_to_the_question(void **state)
{
    (void)state;
    expect_auth("+OK\r\n+PONG\r\n", REDIS_TEXT, "PONG");
    /* a server without a password */
    expect_auth("-ERR AUTH <password> called without any password\r\n+PONG\r\n", REDIS_TEXT,
                "PONG");
    /* a wrong password: what follows says only NOAUTH */
    expect_auth("-WRONGPASS invalid pair\r\n-NOAUTH required\r\n", REDIS_ERROR,
                "WRONGPASS invalid pair");
    /* whom the default user may do without */
    expect_auth("-WRONGPASS invalid pair\r\n+PONG\r\n", REDIS_TEXT, "PONG");
    expect_auth("+OK\r\n-NOAUTH required\r\n", REDIS_ERROR, "NOAUTH required");
}

/* --- many --- */

static void questions_are_answered_in_their_order(void **state)
{
    struct script script = {.head = "+0\r\n+1\r\n+2\r\n+3\r\n+4\r\n+5\r\n+6\r\n+7\r\n+8\r\n+9\r\n",
                            .byte_pause_ms = 1};
    struct scripted *server = scripted_start(&script);
    (void)state;
    open_client("", "");
    int at = server_at(scripted_port(server));
    assert_int_equal(server_at(scripted_port(server)), at);
    for (int i = 0; i < 10; i++)
        ask(at);
    run_round(LATE_MS, LATE_MS);
    for (int i = 0; i < 10; i++) {
        char wanted[2] = {(char)('0' + i), '\0'};
        assert_string_equal(redis_call_text(&calls[i]), wanted);
    }
    assert_int_equal(scripted_connections(server), 1);
    scripted_stop(server);
    close_client();
}

static void who_answers_half_of_the_questions_has_answered_these(void **state)
{
    struct script script = {.head = "+0\r\n+1\r\n$100\r\nhalf", .end = SCRIPTED_CLOSES};
    struct scripted *server = scripted_start(&script);
    (void)state;
    open_client("", "");
    int at = server_at(scripted_port(server));
    for (int i = 0; i < 4; i++)
        ask(at);
    run_round(LATE_MS, LATE_MS);
    scripted_stop(server);
    assert_int_equal(calls[0].answer, REDIS_TEXT);
    assert_string_equal(redis_call_text(&calls[1]), "1");
    assert_int_equal(calls[2].answer, REDIS_BROKEN);
    assert_int_equal(calls[3].answer, REDIS_BROKEN);
    close_client();
}

static void sixty_servers_are_asked_at_once_and_a_silent_one_costs_the_others_nothing(void **state)
{
    struct script lively = {.head = "+PONG\r\n+PONG\r\n+PONG\r\n"};
    struct script silent = {.head = ""};
    struct script slow = {.head = "+PONG\r\n+PONG\r\n+PONG\r\n", .byte_pause_ms = 10};
    struct scripted *servers[60];
    (void)state;
    open_client("", "");
    for (int i = 0; i < 60; i++) {
        servers[i] = scripted_start(i % 20 == 7 ? &silent : i % 20 == 9 ? &slow : &lively);
        int at = server_at(scripted_port(servers[i]));
        assert_int_equal(at, i);
        for (int n = 0; n < 3; n++)
            ask(at);
    }
    run_round(3000, 3000);
    for (int i = 0; i < 180; i++)
        assert_int_equal(calls[i].answer, i / 3 % 20 == 7 ? REDIS_SILENT : REDIS_TEXT);
    for (int i = 0; i < 60; i++)
        scripted_stop(servers[i]);
    close_client();
}

/* --- no answers --- */

static void nobody_listens_at_a_refused_port(void **state)
{
    struct err err;
    (void)state;
    open_client("", "");
    ask(server_at(scripted_free_port()));
    run_round(LATE_MS, LATE_MS);
    assert_int_equal(calls[0].answer, REDIS_NOBODY);
    assert_false(redis_call_err(&calls[0], "redis-1", &err));
    assert_int_equal(err.kind, ERR_LATER);
    close_client();
}

static void what_is_not_redis_is_broken(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n400 Bad Request",
        "<html>\r\n",
        "\x16\x03\x01\x02\x01\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail ESMTP\r\n",
        "*1000000000\r\n",
        "*99999999999999999999\r\n",
        "*-2\r\n",
        "$-2\r\n",
        "$99999999999999999999\r\n",
        "$1x\r\na\r\n",
        ":1x\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        "", /* it hangs up */
        "+PON",
        "$100\r\nhalf",
        "*2\r\n+a\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect_one(texts[i], REDIS_BROKEN, NULL);
}

static void a_reset_is_broken_whatever_was_said_by_half(void **state)
{
    struct script script = {.head = "+PO", .end = SCRIPTED_RESETS};
    (void)state;
    assert_int_equal(ask_one(&script, LATE_MS)->answer, REDIS_BROKEN);
    close_client();
    script.at_once = true;
    assert_int_equal(ask_one(&script, LATE_MS)->answer, REDIS_BROKEN);
    close_client();
}

static void expect_silence(const struct script *script)
{
    int64_t start_ns = clock_now_ns();
    assert_int_equal(ask_one(script, PATIENCE_MS)->answer, REDIS_SILENT);
    assert_true(clock_now_ns() - start_ns >= PATIENCE_MS * CLOCK_MS);
    close_client();
}

static void silence_costs_the_patience_and_no_more(void **state)
{
    struct script silent = {.head = ""};
    struct script half = {.head = "+PON"};
    struct script promise = {.head = "$1000000000\r\n"};
    struct script loris = {.head = "+", .body = "x", .repeats = 100000, .byte_pause_ms = 20};
    (void)state;
    expect_silence(&silent);
    expect_silence(&half);
    expect_silence(&promise);
    expect_silence(&loris);
}

/* A full backlog: the connection is never taken. */
static void a_connection_that_is_not_taken_costs_its_own_deadline_alone(void **state)
{
    struct script lively = {.head = "+PONG\r\n"};
    struct scripted *server = scripted_start(&lively);
    (void)state;
    open_client("", "");
    struct addr addr;
    assert_true(addr_parse(&addr, "192.0.2.1")); /* RFC 5737: nobody's */
    ask(redis_client_server(client, &addr, 6379, ""));
    ask(server_at(scripted_port(server)));
    int64_t start_ns = clock_now_ns();
    run_round(PATIENCE_MS, 60000);
    assert_true(clock_now_ns() - start_ns < (PATIENCE_MS + LATE_MS) * CLOCK_MS);
    assert_in_range(calls[0].answer, REDIS_SILENT, REDIS_BROKEN); /* whatever the network says */
    assert_string_equal(redis_call_text(&calls[1]), "PONG");
    scripted_stop(server);
    close_client();
}

/* --- memory --- */

static long memory_kb(const char *name)
{
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name), NULL, 10);
    fclose(file);
    return kb;
}

static void forget_the_peak(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, "5", 1) == 1);
    close(fd);
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64
#define X1024 X256 X256 X256 X256
#define NUMBERS ":1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n"
#define NUMBERS64 NUMBERS NUMBERS NUMBERS NUMBERS NUMBERS NUMBERS NUMBERS NUMBERS

static void expect_bounded(const char *head, const char *body, long bound_kb)
{
    struct script script = {.head = head, .body = body, .repeats = (size_t)1 << 30};
    forget_the_peak();
    long before_kb = memory_kb("VmRSS:");
    assert_int_equal(ask_one(&script, 60000)->answer, REDIS_BROKEN);
    close_client();
    long peak_kb = memory_kb("VmHWM:") - before_kb;
    if (peak_kb > bound_kb)
        fail_msg("'%.12s' cost %ld KB", head, peak_kb);
}

/* The bounds leave room for the sanitizers' own. */
static void an_endless_reply_ends_the_connection_and_not_the_memory(void **state)
{
    (void)state;
    expect_bounded("$1000000000\r\n", X1024 X1024 X1024, 64L << 10);
    expect_bounded("+", X1024 X1024 X1024, 64L << 10);
    expect_bounded("*64\r\n$1000000000\r\n", X1024 X1024 X1024, 64L << 10);
    /* each small number costs a hundred bytes of memory, and so may they go on */
    expect_bounded("*64\r\n*64\r\n*64\r\n*64\r\n", "*64\r\n" NUMBERS64, 64L << 10);
    /* and an array in an array in an array the room for its elements */
    expect_bounded("*64\r\n", "*64\r\n", 64L << 10);
}

static void a_long_reply_below_the_cap_is_taken_whole(void **state)
{
    struct script script = {.head = "$1048576\r\n", .body = X1024, .repeats = 1025};
    (void)state;
    assert_int_equal(ask_one(&script, 60000)->answer, REDIS_TEXT);
    assert_int_equal(calls[0].len, 1 << 20);
    close_client();
}

/* --- the next round --- */

static void a_broken_connection_is_opened_anew_by_the_next_round(void **state)
{
    struct script script = {.head = "+PONG\r\n", .end = SCRIPTED_CLOSES};
    struct scripted *server = scripted_start(&script);
    (void)state;
    open_client("", "");
    ask(server_at(scripted_port(server)));
    int good = 0;
    for (int i = 0; i < 6; i++) {
        redis_calls_free(calls, 1);
        run_round(LATE_MS, LATE_MS);
        good += calls[0].answer == REDIS_TEXT;
        assert_true(calls[0].answer == REDIS_TEXT || calls[0].answer == REDIS_BROKEN);
    }
    assert_true(good >= 3);
    scripted_stop(server);
    close_client();
}

static void a_connection_that_still_owes_an_answer_is_not_used_again(void **state)
{
    struct script late = {.head = "+FIRST\r\n+SECOND\r\n", .byte_pause_ms = 60};
    struct scripted *server = scripted_start(&late);
    (void)state;
    open_client("", "");
    ask(server_at(scripted_port(server)));
    run_round(200, 200);
    assert_int_equal(calls[0].answer, REDIS_SILENT);
    redis_calls_free(calls, 1);
    run_round(LATE_MS, LATE_MS); /* an answer of its own, not the first one's rest */
    assert_string_equal(redis_call_text(&calls[0]), "FIRST");
    assert_int_equal(scripted_connections(server), 2);
    scripted_stop(server);
    close_client();
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as process_start does */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_reply_is_told),
        cmocka_unit_test(answers_know_what_they_mean),
        cmocka_unit_test(only_ok_is_ok),
        cmocka_unit_test(a_full_server_says_so_before_it_is_asked_and_hangs_up),
        cmocka_unit_test(the_answer_to_auth_is_no_answer_to_the_question),
        cmocka_unit_test(questions_are_answered_in_their_order),
        cmocka_unit_test(who_answers_half_of_the_questions_has_answered_these),
        cmocka_unit_test(sixty_servers_are_asked_at_once_and_a_silent_one_costs_the_others_nothing),
        cmocka_unit_test(nobody_listens_at_a_refused_port),
        cmocka_unit_test(what_is_not_redis_is_broken),
        cmocka_unit_test(a_reset_is_broken_whatever_was_said_by_half),
        cmocka_unit_test(silence_costs_the_patience_and_no_more),
        cmocka_unit_test(a_connection_that_is_not_taken_costs_its_own_deadline_alone),
        cmocka_unit_test(an_endless_reply_ends_the_connection_and_not_the_memory),
        cmocka_unit_test(a_long_reply_below_the_cap_is_taken_whole),
        cmocka_unit_test(a_broken_connection_is_opened_anew_by_the_next_round),
        cmocka_unit_test(a_connection_that_still_owes_an_answer_is_not_used_again),
    };
    return cmocka_run_group_tests_name("redis_client", tests, set_up, NULL);
}
