#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <hiredis/sds.h>
#include <libpq-fe.h>

#include "templates/quote.h"

#define TEXT_MAX 8192

/* The readers are the programs' own code where a library of theirs is linked; they answer what the
 * quoted TEXT stands for. */

struct text {
    char data[TEXT_MAX];
    size_t len;
};

static bool put(void *user, const char *data, size_t len)
{
    struct text *text = user;
    if (len > sizeof text->data - 1 - text->len)
        return false;
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
    return true;
}

static void read_redis(const struct text *quoted, struct text *value)
{
    int count;
    sds *words = sdssplitargs(quoted->data, &count);
    assert_non_null(words);
    assert_int_equal(count, 1);
    assert_true(put(value, words[0], sdslen(words[0])));
    sdsfreesplitres(words, count);
}

static void read_json(const struct text *quoted, struct text *value)
{
    cJSON *json = cJSON_Parse(quoted->data);
    assert_true(cJSON_IsString(json));
    put(value, json->valuestring, strlen(json->valuestring));
    cJSON_Delete(json);
}

static void read_url(const struct text *quoted, struct text *value)
{
    int len;
    char *plain = curl_easy_unescape(NULL, quoted->data, (int)quoted->len, &len);
    assert_non_null(plain);
    put(value, plain, (size_t)len);
    curl_free(plain);
}

static void read_conninfo(const struct text *quoted, struct text *value)
{
    struct text conninfo = {.len = 0};
    put(&conninfo, "user=x password=", 16);
    put(&conninfo, quoted->data, quoted->len);
    put(&conninfo, " dbname=d", 9);
    PQconninfoOption *options = PQconninfoParse(conninfo.data, NULL);
    assert_non_null(options);
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "password") == 0)
            put(value, option->val, strlen(option->val));
        if (strcmp(option->keyword, "dbname") == 0)
            assert_string_equal(option->val, "d");
    }
    PQconninfoFree(options);
}

/* A value as the last field of a line, read by libpq. */
static void read_pgpass(const struct text *quoted, struct text *value)
{
    char path[] = "/tmp/ordain-pgpass-XXXXXX";
    char conninfo[200];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "127.0.0.1:1:db:me:%s\n", quoted->data) > 0);
    close(fd);
    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=1 dbname=db user=me passfile=%s",
             path);
    PGconn *connection = PQconnectStart(conninfo);
    put(value, PQpass(connection), strlen(PQpass(connection)));
    PQfinish(connection);
    unlink(path);
}

static void read_sh(const struct text *quoted, struct text *value)
{
    struct text command = {.len = 0};
    put(&command, "printf %s ", 10);
    put(&command, quoted->data, quoted->len);
    FILE *shell = popen(command.data, "r");
    assert_non_null(shell);
    value->len = fread(value->data, 1, sizeof value->data - 1, shell);
    value->data[value->len] = '\0';
    assert_int_equal(pclose(shell), 0);
}

/* PostgreSQL 17, guc-file.l: STRING, and GUC_scanstr for what stands between the quotes. */
static void read_pgconf(const struct text *quoted, struct text *value)
{
    const char *p = quoted->data;
    if (*p != '\'') {
        assert_int_equal(strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
                                   "-._:/"),
                         quoted->len);
        put(value, p, quoted->len);
        return;
    }
    for (p++; !(p[0] == '\'' && p[1] == '\0'); p++) {
        char c = *p;
        assert_int_not_equal(c, '\0');
        assert_int_not_equal(c, '\n');
        if (c == '\'') {
            assert_int_equal(*++p, '\'');
        } else if (c == '\\') {
            c = *++p;
            if (c == 'n' || c == 't' || c == 'r') {
                c = c == 'n' ? '\n' : c == 't' ? '\t' : '\r';
            } else if (c >= '0' && c <= '7') {
                c = (char)strtol((char[]){p[0], p[1], p[2], '\0'}, NULL, 8);
                p += 2;
            }
        }
        put(value, &c, 1);
    }
}

/* PostgreSQL 17, hba.c next_token. */
static void read_pghba(const struct text *quoted, struct text *value)
{
    bool in_quote = false, was_quote = false;
    for (const char *p = quoted->data; *p != '\0'; p++) {
        assert_true(in_quote || *p == '"');
        assert_true(*p != '\n' && *p != '\r');
        if (*p != '"' || was_quote)
            put(value, p, 1);
        was_quote = in_quote && *p == '"' ? !was_quote : false;
        if (*p == '"')
            in_quote = !in_quote;
    }
    assert_false(in_quote);
}

static const struct reader {
    const char *name;
    enum quote_kind kind;
    void (*read)(const struct text *quoted, struct text *value);
    bool one_line; /* a line break is refused */
} readers[] = {
    {"redis",    QUOTE_REDIS,    read_redis,    false},
    {"pgconf",   QUOTE_PGCONF,   read_pgconf,   false},
    {"pghba",    QUOTE_PGHBA,    read_pghba,    true },
    {"pgpass",   QUOTE_PGPASS,   read_pgpass,   true },
    {"conninfo", QUOTE_CONNINFO, read_conninfo, false},
    {"url",      QUOTE_URL,      read_url,      false},
    {"json",     QUOTE_JSON,     read_json,     false},
    {"sh",       QUOTE_SH,       read_sh,       false},
};
#define READERS (sizeof readers / sizeof *readers)

static const char *const values[] = {
    "",
    "plain",
    "two words",
    " ends with blanks ",
    "\"",
    "'",
    "\\",
    "a\"b'c\\d",
    "\\\\'\"",
    "#comment",
    "a # b",
    "$HOME $(id) `id` ${X}",
    "&/%|;<>!*?[]{}()~^=+,.:@-_",
    "a:b:c",
    "*",
    "tab\tand\x01 and \x7f",
    "gr\xC3\xBC\xC3\x9F dich \xE2\x98\x83 \xF0\x9F\x98\x80",
    "-n",
    "%20",
    "0",
    "0123",
    "10.0.0.1",
    "2001:db8::1",
    "all",
    "\\n is no newline",
    "ends with a backslash\\",
};

static void check_value(const struct reader *reader, const char *data, size_t len)
{
    struct text quoted = {.len = 0}, value = {.len = 0};
    const struct quote_sink sink = {put, &quoted};
    enum quote_status status = quote_value(reader->kind, data, len, &sink);
    if (reader->one_line && (memchr(data, '\n', len) || memchr(data, '\r', len))) {
        assert_int_equal(status, QUOTE_NEWLINE);
        return;
    }
    assert_int_equal(status, QUOTE_OK);
    reader->read(&quoted, &value);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.data, data, len);
}

static void every_target_reads_back_what_was_quoted_for_it(void **state)
{
    (void)state;
    for (size_t r = 0; r < READERS; r++) {
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            /* libpq takes an empty password in a pgpass for none */
            if (!(readers[r].kind == QUOTE_PGPASS && values[i][0] == '\0'))
                check_value(&readers[r], values[i], strlen(values[i]));
        }
        check_value(&readers[r], "two\nlines", 9);
        check_value(&readers[r], "\r\n", 2);
    }
}

static void any_bytes_but_nul_come_back(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (size_t r = 0; r < READERS; r++) {
        int rounds = readers[r].kind == QUOTE_SH ? 50 : 1000;
        for (int round = 0; round < rounds; round++) {
            char data[64];
            size_t len = (size_t)round % sizeof data + 1;
            unsigned most = readers[r].kind == QUOTE_JSON ? 127 : 255; /* JSON wants UTF-8 */
            for (size_t i = 0; i < len; i++) {
                random = random * 1664525 + 1013904223;
                data[i] = (char)(random >> 16 & 1 ? 1 + (random >> 17) % most
                                                  : (unsigned)" \"'\\#$:\n"[(random >> 17) & 7]);
            }
            check_value(&readers[r], data, len);
        }
    }
}

static void nul_is_refused_everywhere(void **state)
{
    (void)state;
    for (int kind = QUOTE_RAW; kind <= QUOTE_SH; kind++) {
        struct text out = {.len = 0};
        const struct quote_sink sink = {put, &out};
        assert_int_equal(quote_value((enum quote_kind)kind, "a\0b", 3, &sink), QUOTE_NUL);
    }
}

static void json_refuses_what_is_no_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xC3",
                                      "\xC0\xAF",
                                      "\xE2\x98",
                                      "\xED\xA0\x80",
                                      "\xE0\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xFF",
                                      "\xF0\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct text out = {.len = 0};
        const struct quote_sink sink = {put, &out};
        assert_int_equal(quote_value(QUOTE_JSON, bad[i], strlen(bad[i]), &sink), QUOTE_UTF8);
    }
}

static void plain_words_stay_bare_where_no_keyword_is_meant(void **state)
{
    (void)state;
    static const struct {
        enum quote_kind kind;
        const char *value, *text;
    } rows[] = {
        {QUOTE_REDIS,    "10.0.0.1",         "10.0.0.1"            },
        {QUOTE_REDIS,    "/data/x-1",        "/data/x-1"           },
        {QUOTE_REDIS,    "",                 "\"\""                },
        {QUOTE_REDIS,    "#x",               "\"#x\""              },
        {QUOTE_PGCONF,   "5432",             "5432"                },
        {QUOTE_PGCONF,   "64MB",             "'64MB'"              },
        {QUOTE_PGCONF,   "on",               "on"                  },
        {QUOTE_PGCONF,   "10.0.0.1",         "'10.0.0.1'"          },
        {QUOTE_PGCONF,   "",                 "''"                  },
        {QUOTE_JSON,     "\xC2\x80",         "\"\xC2\x80\""        },
        {QUOTE_JSON,     "\xF4\x8F\xBF\xBF", "\"\xF4\x8F\xBF\xBF\""},
        {QUOTE_PGCONF,   "/a",               "'/a'"                },
        {QUOTE_PGHBA,    "all",              "\"all\""             },
        {QUOTE_CONNINFO, "redis-0.x",        "redis-0.x"           },
        {QUOTE_CONNINFO, "",                 "''"                  },
        {QUOTE_SH,       "x",                "'x'"                 },
        {QUOTE_JSON,     "5",                "\"5\""               },
        {QUOTE_URL,      "a b/c",            "a%20b%2Fc"           },
        {QUOTE_PGPASS,   "a:b\\c",           "a\\:b\\\\c"          },
        {QUOTE_RAW,      "a\nb",             "a\nb"                },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text out = {.len = 0};
        const struct quote_sink sink = {put, &out};
        assert_int_equal(quote_value(rows[i].kind, rows[i].value, strlen(rows[i].value), &sink),
                         QUOTE_OK);
        assert_string_equal(out.data, rows[i].text);
    }
}

static void a_full_sink_is_told(void **state)
{
    (void)state;
    for (size_t room = 0; room <= 13; room++) { /* "two \"words" in quotes is 13 bytes */
        struct text out = {.len = TEXT_MAX - 1 - room};
        const struct quote_sink sink = {put, &out};
        assert_int_equal(quote_value(QUOTE_REDIS, "two \"words", 10, &sink),
                         room == 13 ? QUOTE_OK : QUOTE_FULL);
    }
}

/* What stands before a value in its file, the value, and what is made of both. */
static const struct {
    enum quote_kind kind;
    const char *before, *value, *made;
    enum quote_status status;
} places[] = {
    {QUOTE_REDIS,  "requirepass ",   "a b",       "requirepass \"a b\"",        QUOTE_OK       },
    {QUOTE_REDIS,  "requirepass \"", "a\"b\n",    "requirepass \"a\\\"b\\n",    QUOTE_OK       },
    {QUOTE_REDIS,  "requirepass '",  "it's \"",   "requirepass 'it\\'s \"",     QUOTE_OK       },
    {QUOTE_REDIS,  "requirepass '",  "a\nb",      NULL,                         QUOTE_NEWLINE  },
    {QUOTE_REDIS,  "requirepass '",  "a\\",       NULL,                         QUOTE_BACKSLASH},
    {QUOTE_REDIS,  "x '\\\\",        "a",         NULL,                         QUOTE_BACKSLASH},
    {QUOTE_REDIS,  "x \"\\",         "a",         NULL,                         QUOTE_BACKSLASH},
    {QUOTE_REDIS,  "x \"\\\"",       "a\"",       "x \"\\\"a\\\"",              QUOTE_OK       },
    {QUOTE_REDIS,  "user a on >",    "a b",       "user a on >\"a b\"",         QUOTE_OK       },
    {QUOTE_REDIS,  "x \"a\" ",       "a b",       "x \"a\" \"a b\"",            QUOTE_OK       },
    {QUOTE_REDIS,  "# it's \"",      "a b",       "# it's \"a b",               QUOTE_OK       },
    {QUOTE_REDIS,  "# ",             "a\nb",      NULL,                         QUOTE_NEWLINE  },
    {QUOTE_REDIS,  "x # ",           "a\nb",      "x # \"a\\nb\"",              QUOTE_OK       },
    {QUOTE_REDIS,  "# it's\nx ",     "a b",       "# it's\nx \"a b\"",          QUOTE_OK       },
    {QUOTE_REDIS,  "x 'a\nx ",       "a b",       "x 'a\nx \"a b\"",            QUOTE_OK       },
    {QUOTE_PGCONF, "x = ",           "a'b\\",     "x = 'a''b\\\\'",             QUOTE_OK       },
    {QUOTE_PGCONF, "x=",             "a b",       "x='a b'",                    QUOTE_OK       },
    {QUOTE_PGCONF, "x = '",          "a'b\n\x01", "x = 'a''b\\n\\001",          QUOTE_OK       },
    {QUOTE_PGCONF, "x = a",          "b c",       NULL,                         QUOTE_TOUCHES  },
    {QUOTE_PGCONF, "x = 'a'",        "b c",       NULL,                         QUOTE_TOUCHES  },
    {QUOTE_PGCONF, "x = 1 # don't ", "b c",       "x = 1 # don't b c",          QUOTE_OK       },
    {QUOTE_PGCONF, "x = '#",         "b c",       "x = '#b c",                  QUOTE_OK       },
    {QUOTE_PGCONF, "x = 'it\\'s ",   "b'c",       "x = 'it\\'s b''c",           QUOTE_OK       },
    {QUOTE_PGCONF, "x = \\",         "b c",       NULL,                         QUOTE_TOUCHES  },
    {QUOTE_REDIS,  "# ",             "a\"b\\",    "# a\"b\\",                   QUOTE_OK       },
    {QUOTE_PGHBA,  "host ",          "all",       "host \"all\"",               QUOTE_OK       },
    {QUOTE_PGHBA,  "host \"",        "a\"b",      "host \"a\"\"b",              QUOTE_OK       },
    {QUOTE_PGHBA,  "host ",          "a\nb",      NULL,                         QUOTE_NEWLINE  },
    {QUOTE_PGHBA,  "host # \"",      "a",         "host # \"a",                 QUOTE_OK       },
    {QUOTE_JSON,   "{\"a\": ",       "b\"",       "{\"a\": \"b\\\"\"",          QUOTE_OK       },
    {QUOTE_JSON,   "{\"a\": \"\\\"", "b\"\x01",   "{\"a\": \"\\\"b\\\"\\u0001", QUOTE_OK       },
    {QUOTE_SH,     "A=",             "it's",      "A='it'\\''s'",               QUOTE_OK       },
    {QUOTE_SH,     "A=\"",           "$x`\"\\",   "A=\"\\$x\\`\\\"\\\\",        QUOTE_OK       },
    {QUOTE_SH,     "A=\"\n",         "$(id)",     "A=\"\n\\$(id)",              QUOTE_OK       },
    {QUOTE_SH,     "A='\n",          "it's",      "A='\nit'\\''s",              QUOTE_OK       },
    {QUOTE_SH,     "# don't ",       "$x",        "# don't $x",                 QUOTE_OK       },
    {QUOTE_SH,     "# ",             "a\nid",     NULL,                         QUOTE_NEWLINE  },
    {QUOTE_SH,     "a;# ",           "a\nid",     NULL,                         QUOTE_NEWLINE  },
    {QUOTE_SH,     "a#\"",           "$x",        "a#\"\\$x",                   QUOTE_OK       },
    {QUOTE_SH,     "a\\;#\"",        "$x",        "a\\;#\"\\$x",                QUOTE_OK       },
    {QUOTE_SH,     "A=\\",           "x",         NULL,                         QUOTE_BACKSLASH},
    {QUOTE_SH,     "A=\\\"",         "$x",        "A=\\\"'$x'",                 QUOTE_OK       },
    {QUOTE_PGPASS, "# ",             "a:b",       "# a:b",                      QUOTE_OK       },
    {QUOTE_PGPASS, "h:1:",           "a:b",       "h:1:a\\:b",                  QUOTE_OK       },
    {QUOTE_TEXT,   "x = \"",         "a\"b",      "x = \"a\"b",                 QUOTE_OK       },
    {QUOTE_TEXT,   "x ",             "a\nb",      NULL,                         QUOTE_NEWLINE  },
    {QUOTE_RAW,    "x ",             "a\nb",      "x a\nb",                     QUOTE_OK       },
};

static void a_value_fits_the_place_it_stands_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct text out = {.len = 0};
        const struct quote_sink sink = {put, &out};
        struct quote_cursor cursor = quote_cursor_new(places[i].kind);
        size_t before = strlen(places[i].before);
        /* in one piece or byte by byte */
        if (i % 2 == 0)
            quote_cursor_pass(&cursor, places[i].before, before);
        else
            for (size_t k = 0; k < before; k++)
                quote_cursor_pass(&cursor, places[i].before + k, 1);
        put(&out, places[i].before, before);
        enum quote_status status =
            quote_cursor_put(&cursor, places[i].value, strlen(places[i].value), &sink);
        if (status != places[i].status)
            fail_msg("row %zu: status %d", i, (int)status);
        if (status == QUOTE_OK)
            assert_string_equal(out.data, places[i].made);
    }
}

static void text_behind_a_quoted_word_is_refused(void **state)
{
    (void)state;
    struct text out = {.len = 0};
    const struct quote_sink sink = {put, &out};
    struct quote_cursor cursor = quote_cursor_new(QUOTE_REDIS);
    assert_int_equal(quote_cursor_put(&cursor, "a b", 3, &sink), QUOTE_OK);
    assert_int_equal(quote_cursor_pass(&cursor, "/x", 2), QUOTE_TOUCHES);
    assert_int_equal(quote_cursor_put(&cursor, "a b", 3, &sink), QUOTE_OK);
    assert_int_equal(quote_cursor_put(&cursor, "c", 1, &sink), QUOTE_TOUCHES);
    for (const char *blank = "\r\n \t"; *blank != '\0'; blank++) {
        assert_int_equal(quote_cursor_put(&cursor, "", 0, &sink), QUOTE_OK);
        assert_int_equal(quote_cursor_pass(&cursor, blank, 1), QUOTE_OK);
    }
    assert_int_equal(quote_cursor_put(&cursor, "plain", 5, &sink), QUOTE_OK);
    assert_int_equal(quote_cursor_pass(&cursor, "/x", 2), QUOTE_OK);
}

static void another_kinds_text_is_escaped_for_the_quotes_around_it(void **state)
{
    (void)state;
    struct text out = {.len = 0};
    const struct quote_sink sink = {put, &out};
    struct quote_cursor cursor = quote_cursor_new(QUOTE_PGCONF);
    quote_cursor_pass(&cursor, "x = 'password=", 14);
    assert_int_equal(quote_cursor_put_made(&cursor, "'it\\'s'", 7, &sink), QUOTE_OK);
    assert_string_equal(out.data, "''it\\\\''s''");
    quote_cursor_pass(&cursor, "'\n# ", 4);
    assert_int_equal(quote_cursor_put_made(&cursor, "a\nb", 3, &sink), QUOTE_NEWLINE);
    quote_cursor_pass(&cursor, "\nx = ", 5);
    assert_int_equal(quote_cursor_put_made(&cursor, "a\nb", 3, &sink), QUOTE_NEWLINE);
    cursor = quote_cursor_new(QUOTE_SH);
    quote_cursor_pass(&cursor, "# ", 2);
    assert_int_equal(quote_cursor_put_made(&cursor, "'a\nb'", 5, &sink), QUOTE_NEWLINE);
    quote_cursor_pass(&cursor, "\n\\", 2);
    assert_int_equal(quote_cursor_put_made(&cursor, "'a'", 3, &sink), QUOTE_BACKSLASH);
}

static void a_files_name_gives_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum quote_kind kind;
    } rows[] = {
        {"redis.conf",      QUOTE_REDIS },
        {"extra.conf",      QUOTE_REDIS },
        {"postgresql.conf", QUOTE_PGCONF},
        {"pg_hba.conf",     QUOTE_PGHBA },
        {"pg_ident.conf",   QUOTE_PGHBA },
        {"pgpass",          QUOTE_PGPASS},
        {"a.json",          QUOTE_JSON  },
        {"a.env",           QUOTE_SH    },
        {"a.sh",            QUOTE_SH    },
        {"users.acl",       QUOTE_TEXT  },
        {"conf",            QUOTE_TEXT  },
    };
    enum quote_kind kind;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(quote_kind_of_file(rows[i].file, QUOTE_REDIS), rows[i].kind);
    assert_int_equal(quote_kind_of_file("extra.conf", QUOTE_PGCONF), QUOTE_PGCONF);
    for (size_t r = 0; r < READERS; r++) {
        assert_true(quote_kind_parse(readers[r].name, strlen(readers[r].name), &kind));
        assert_int_equal(kind, readers[r].kind);
    }
    assert_false(quote_kind_parse("text", 4, &kind));
    assert_false(quote_kind_parse("", 0, &kind));
    assert_false(quote_kind_parse("Redis", 5, &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_target_reads_back_what_was_quoted_for_it),
        cmocka_unit_test(any_bytes_but_nul_come_back),
        cmocka_unit_test(nul_is_refused_everywhere),
        cmocka_unit_test(json_refuses_what_is_no_utf8),
        cmocka_unit_test(plain_words_stay_bare_where_no_keyword_is_meant),
        cmocka_unit_test(a_full_sink_is_told),
        cmocka_unit_test(a_value_fits_the_place_it_stands_in),
        cmocka_unit_test(text_behind_a_quoted_word_is_refused),
        cmocka_unit_test(another_kinds_text_is_escaped_for_the_quotes_around_it),
        cmocka_unit_test(a_files_name_gives_its_kind),
    };
    return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
