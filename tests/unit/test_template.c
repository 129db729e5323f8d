#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "templates/template.h"

#define TEXT_MAX 65536

struct text {
    char data[TEXT_MAX];
    size_t len, cap;
};

static bool put(void *user, const char *data, size_t len)
{
    struct text *text = user;
    if (len > text->cap - text->len)
        return false;
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
    return true;
}

static const struct {
    const char *name, *value;
} names[] = {
    {"ROLE",  "master"      },
    {"role",  "master"      },
    {"NAME",  "redis-0"     },
    {"EMPTY", ""            },
    {"WORDS", "two words"   },
    {"QUOTE", "a\"b"        },
    {"LINES", "two\nlines"  },
    {"PLACE", "${NAME} $${x"},
    {"P@SS",  "never"       },
    {"_u1",   "under"       },
};

static bool lookup(void *user, const char *name, size_t len, size_t peer,
                   struct template_span *value)
{
    static const char *const peers[] = {"p0", "p1", "p2"};
    (void)user;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0) {
            *value = (struct template_span){names[i].value, strlen(names[i].value)};
            return true;
        }
    }
    if (peer == TEMPLATE_NO_PEER)
        return false;
    if (len == 4 && memcmp(name, "PEER", 4) == 0) {
        *value = (struct template_span){peers[peer], 2};
        return true;
    }
    if (len == 3 && memcmp(name, "ODD", 3) == 0 && peer == 1) { /* known of one peer only */
        *value = (struct template_span){"odd", 3};
        return true;
    }
    return false;
}

static const char *const problems[] = {
    [TEMPLATE_UNSET] = "unset",
    [TEMPLATE_REQUIRED] = "required",
    [TEMPLATE_UNQUOTABLE] = "unquotable",
    [TEMPLATE_VALUE_LONG] = "value-long",
    [TEMPLATE_OUTPUT_LONG] = "output-long",
    [TEMPLATE_UNTERMINATED] = "unterminated",
    [TEMPLATE_BAD_NAME] = "bad-name",
    [TEMPLATE_BAD_OPERATOR] = "bad-operator",
    [TEMPLATE_BAD_ENCODER] = "bad-encoder",
    [TEMPLATE_DEEP] = "deep",
    [TEMPLATE_BAD_DIRECTIVE] = "bad-directive",
    [TEMPLATE_BAD_CONDITION] = "bad-condition",
    [TEMPLATE_BAD_LIST] = "bad-list",
    [TEMPLATE_FOR_IN_FOR] = "for-in-for",
    [TEMPLATE_ELSE_ALONE] = "else-alone",
    [TEMPLATE_END_ALONE] = "end-alone",
    [TEMPLATE_NO_END] = "no-end",
    [TEMPLATE_BLOCKS_DEEP] = "blocks-deep",
    [TEMPLATE_NUL] = "nul",
};

/* "1:3 unset NOPE; " and so on. */
static void note(void *user, const struct template_error *error)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%zu:%zu %s%s%.*s%s%.*s; ", error->line, error->column,
                       problems[error->problem], error->subject.len > 0 ? " " : "",
                       (int)error->subject.len, error->subject.data, error->text.len > 0 ? "=" : "",
                       (int)error->text.len, error->text.data);
    assert_in_range(len, 1, sizeof line - 1);
    put(user, line, (size_t)len);
}

static struct text out, errors;
static char scratch[4096];

static size_t render(enum quote_kind kind, const char *text, size_t len, size_t peers)
{
    const struct template_source source = {text, len, kind};
    const struct template_scope scope = {lookup, NULL, peers};
    const struct template_output output = {
        {put, &out},
        note, &errors, scratch, sizeof scratch
    };
    out.len = errors.len = 0;
    out.cap = errors.cap = TEXT_MAX - 1;
    out.data[0] = errors.data[0] = '\0';
    return template_render(&source, &scope, &output);
}

struct row {
    enum quote_kind kind;
    const char *text;
    const char *wanted; /* the output, or the errors of a row that fails */
};

static void check_rows(const struct row *rows, size_t count, bool fails)
{
    for (size_t i = 0; i < count; i++) {
        size_t failed = render(rows[i].kind, rows[i].text, strlen(rows[i].text), 3);
        if ((failed > 0) != fails)
            print_message("# row %zu: %s%s\n", i, rows[i].text, errors.data);
        assert_int_equal(failed > 0, fails);
        assert_string_equal(fails ? errors.data : out.data, rows[i].wanted);
    }
}

#define CHECK(rows, fails) check_rows(rows, sizeof(rows) / sizeof *(rows), fails)

/* clang-format 14 makes these tables unreadable. */
/* clang-format off */

static void text_without_placeholders_stays_as_it_is(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {QUOTE_REDIS, "", ""},
        {QUOTE_REDIS, "port 6379\n", "port 6379\n"},
        {QUOTE_REDIS, "no newline", "no newline"},
        {QUOTE_REDIS, "$user $libdir $ $$ {} $} %s `id` $(id) $$$\n",
         "$user $libdir $ $$ {} $} %s `id` $(id) $$$\n"},
        {QUOTE_REDIS, "\r\na\r\n\n", "\r\na\r\n\n"},
        {QUOTE_REDIS, "\xEF\xBB\xBFport\n", "port\n"},
        {QUOTE_REDIS, "a \xEF\xBB\xBF\xFF\x01\n", "a \xEF\xBB\xBF\xFF\x01\n"},
        {QUOTE_REDIS, "a #@if in a line\n", "a #@if in a line\n"},
        {QUOTE_REDIS, "# @if\n", "# @if\n"},
    };
    CHECK(rows, false);
}

static void operators_are_those_of_posix(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {QUOTE_TEXT, "${NAME}", "redis-0"},
        {QUOTE_TEXT, "${_u1}", "under"},
        {QUOTE_TEXT, "[${EMPTY}]", "[]"},
        {QUOTE_TEXT, "${NAME:-d}${NAME-d}", "redis-0redis-0"},
        {QUOTE_TEXT, "[${EMPTY:-d}${EMPTY-d}]", "[d]"},
        {QUOTE_TEXT, "${NOPE:-d}${NOPE-d}", "dd"},
        {QUOTE_TEXT, "[${NOPE:-}${NOPE-}]", "[]"},
        {QUOTE_TEXT, "[${NAME:+x}${NAME+x}]", "[xx]"},
        {QUOTE_TEXT, "[${EMPTY:+x}${EMPTY+x}]", "[x]"},
        {QUOTE_TEXT, "[${NOPE:+x}${NOPE+x}]", "[]"},
        {QUOTE_TEXT, "${NAME:?m}${NAME?m}[${EMPTY?m}]", "redis-0redis-0[]"},
        {QUOTE_TEXT, "${NOPE:--1}", "-1"},
        {QUOTE_TEXT, "${NOPE:-a:-b}", "a:-b"},
        {QUOTE_TEXT, "${NOPE:-${NAME}}", "redis-0"},
        {QUOTE_TEXT, "${NOPE:-<${NO2:-${NAME}}|${NO3-x}>}", "<redis-0|x>"},
        {QUOTE_TEXT, "${NAME:+${NAME}-${ROLE}}", "redis-0-master"},
        {QUOTE_TEXT, "${NAME:-${NOPE}}", "redis-0"},
        {QUOTE_TEXT, "${NOPE:-{\"a\": 1\\}}", "{\"a\": 1}"},
        {QUOTE_TEXT, "${NOPE:-C:\\\\}|", "C:\\|"},
        {QUOTE_TEXT, "${NOPE:-C:\\x}", "C:\\x"},
        {QUOTE_TEXT, "${NOPE:-$${NAME\\}}", "${NAME}"},
        {QUOTE_TEXT, "${NOPE:-$x $ #@if}", "$x $ #@if"},
        {QUOTE_TEXT, "$${NAME} $$${NAME}", "${NAME} $${NAME}"},
        {QUOTE_TEXT, "$$${NAME", "$${NAME"},
        {QUOTE_TEXT, "${PLACE}", "${NAME} $${x"},
    };
    CHECK(rows, false);
}

static void values_are_quoted_for_their_file(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {QUOTE_REDIS, "requirepass ${WORDS}\n", "requirepass \"two words\"\n"},
        {QUOTE_REDIS, "requirepass \"${WORDS}\"\n", "requirepass \"two words\"\n"},
        {QUOTE_REDIS, "requirepass \"${QUOTE}!\"\n", "requirepass \"a\\\"b!\"\n"},
        {QUOTE_REDIS, "requirepass ${LINES}\n", "requirepass \"two\\nlines\"\n"},
        {QUOTE_REDIS, "requirepass ${NOPE:-x y}\n", "requirepass \"x y\"\n"},
        {QUOTE_REDIS, "requirepass ${EMPTY}\n", "requirepass \"\"\n"},
        {QUOTE_REDIS, "x ${NAME}-${ROLE}:1\n", "x redis-0-master:1\n"},
        {QUOTE_REDIS, "x ${WORDS@raw}\n", "x two words\n"},
        {QUOTE_REDIS, "x ${WORDS@url}/x\n", "x two%20words/x\n"},
        {QUOTE_REDIS, "x ${NOPE@url:-a b}\n", "x a%20b\n"},
        {QUOTE_REDIS, "x ${NOPE:-redis://:${WORDS@url}@h}\n", "x redis://:two%20words@h\n"},
        {QUOTE_REDIS, "x \"${QUOTE@json}\"\n", "x \"\\\"a\\\\\\\"b\\\"\"\n"},
        {QUOTE_PGCONF, "c = 'a=${QUOTE@conninfo} b=${WORDS@conninfo}'\n",
         "c = 'a=''a\"b'' b=''two words'''\n"},
        {QUOTE_JSON, "{\"a\": ${QUOTE}, \"b\": \"x${QUOTE}\"}",
         "{\"a\": \"a\\\"b\", \"b\": \"xa\\\"b\"}"},
        {QUOTE_SH, "A=${LINES}\n", "A='two\nlines'\n"},
        {QUOTE_TEXT, "A=${LINES@raw}\n", "A=two\nlines\n"},
        {QUOTE_TEXT, "A=${WORDS@redis}${WORDS@redis}\n", "A=\"two words\"\"two words\"\n"},
    };
    CHECK(rows, false);
}

static void directives_choose_lines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {QUOTE_TEXT, "#@if role == master\na\n#@else\nb\n#@end\nc\n", "a\nc\n"},
        {QUOTE_TEXT, "#@if role != master\na\n#@else\nb\n#@end\nc\n", "b\nc\n"},
        {QUOTE_TEXT, "#@if role == replica\na\n#@end\nc", "c"},
        {QUOTE_TEXT, "#@if NAME\na\n#@end\n#@if EMPTY\nb\n#@end\n#@if NOPE\nc\n#@else\nd\n#@end\n",
         "a\nd\n"},
        {QUOTE_TEXT, "#@if EMPTY == \"\"\na\n#@end\n", "a\n"},
        {QUOTE_TEXT, "#@if WORDS == 'two words'\na\n#@end\n", "a\n"},
        {QUOTE_TEXT, "#@if WORDS == \"two words\"  \na\n#@end\n", "a\n"},
        {QUOTE_TEXT, " \t#@if  role  ==  master \t\na\n  #@end", "a\n"},
        {QUOTE_TEXT, "#@if role == master\r\na\r\n#@else\r\nb\r\n#@end\r\nc\r\n", "a\r\nc\r\n"},
        {QUOTE_TEXT, "#@if role == x\n#@if role == master\na\n#@else\nb\n#@end\n#@else\nc\n#@end\n",
         "c\n"},
        {QUOTE_TEXT, "#@if role == master\n#@if role == x\na\n#@else\nb\n#@end\n#@else\nc\n#@end\n",
         "b\n"},
        {QUOTE_TEXT, "#@if role == x\n${NOPE} ${NOPE:?}\n#@if NOPE == 1\n#@end\n#@end\n", ""},
        {QUOTE_TEXT, "#@for peer\n${PEER} ${ODD:-even}\n#@end\nz\n",
         "p0 even\np1 odd\np2 even\nz\n"},
        {QUOTE_TEXT, "#@for peer\n#@if PEER == p1\n${ODD}\n#@end\n#@end\n", "odd\n"},
        {QUOTE_TEXT, "#@for peer\n#@if ODD\n${ODD}\n#@else\nx\n#@end\n#@end\n", "x\nodd\nx\n"},
        {QUOTE_TEXT, "#@if role == master\n#@for peer\n${PEER}\n#@end\n#@end\n", "p0\np1\np2\n"},
        {QUOTE_TEXT, "#@if role == x\n#@for peer\n${PEER}\n#@end\n#@end\n", ""},
        {QUOTE_TEXT, "#@for peer\n#@end\n#@for peer\na\n#@end\n", "a\na\na\n"},
        {QUOTE_TEXT, "#@for peer\nno newline ${PEER}\n#@end",
         "no newline p0\nno newline p1\nno newline p2\n"},
    };
    CHECK(rows, false);
}

static void every_error_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {QUOTE_REDIS, "a ${NOPE}\nb ${NAME}\n\n ${NO2}${NO3}\n",
         "1:3 unset NOPE; 4:2 unset NO2; 4:8 unset NO3; "},
        {QUOTE_REDIS, "${EMPTY:?} ${NOPE?} ${NOPE:?set ${NAME}}",
         "1:1 required EMPTY; 1:12 required NOPE; 1:21 required NOPE=set redis-0; "},
        {QUOTE_REDIS, "${NOPE:-${NO2}${NO3}}", "1:9 unset NO2; 1:15 unset NO3; "},
        {QUOTE_REDIS, "${\n${NAME\n${NAME:\n${NAME:-x\n${NAME:-${NAME}\n${NAME@\n",
         "1:1 unterminated; 2:1 unterminated NAME; 3:1 unterminated NAME; 4:1 unterminated "
         "NAME; 5:1 unterminated NAME; 6:7 bad-encoder; "},
        {QUOTE_REDIS, "${}${NOPE}\n${1}\n${ NAME}\n${-x}\n${\xC3\xBC}\n",
         "1:1 bad-name; 2:1 bad-name; 3:1 bad-name; 4:1 bad-name; 5:1 bad-name; "},
        {QUOTE_REDIS, "${NAME:=x}\n${NAME=x}\n${NAME#x}\n${NAME }\n${NAME:}\n${P@SS}\n",
         "1:7 bad-operator NAME; 2:7 bad-operator NAME; 3:7 bad-operator NAME; 4:7 "
         "bad-operator NAME; 5:7 bad-operator NAME; 6:4 bad-encoder SS; "},
        {QUOTE_REDIS, "${NAME@foo}\n${NAME@}\n${NAME@redis@url}\n${NAME@text}\n",
         "1:7 bad-encoder foo; 2:7 bad-encoder; 3:13 bad-operator NAME; 4:7 bad-encoder "
         "text; "},
        {QUOTE_TEXT, "${LINES}\n${NAME:+${LINES}}\n${NOPE:-${LINES@pghba}}\n",
         "1:1 unquotable LINES; 2:1 unquotable NAME; 3:9 unquotable LINES; "},
        {QUOTE_REDIS, "${WORDS}x\n${WORDS}${NAME}\n'${LINES}'\n${LINES@pgpass}\n# ${LINES}\n",
         "1:9 unquotable x; 2:9 unquotable NAME; 3:2 unquotable LINES; 4:1 unquotable "
         "LINES; 5:3 unquotable LINES; "},
        {QUOTE_TEXT, "#@foo\n#@ if\n#@\n#@else x\n#@end if\n",
         "1:1 bad-directive foo; 2:1 bad-directive  if; 3:1 bad-directive; 4:1 bad-directive "
         "else x; 5:1 bad-directive end if; "},
        {QUOTE_TEXT,
         "#@if\n#@end\n#@if a b\n#@end\n#@if a =\n#@end\n#@if a == b c\n#@end\n#@if "
         "a == 'b\n#@end\n#@if a == 'b'c\n#@end\n#@if a==b\n#@end\n#@if 1 == 1\n"
         "#@end\n#@if a ==\n#@end\n",
         "1:1 bad-condition; 3:1 bad-condition  a b; 5:1 bad-condition  a =; 7:1 "
         "bad-condition  a == b c; 9:1 bad-condition  a == 'b; 11:1 bad-condition "
         " a == 'b'c; 13:1 bad-condition  a==b; 15:1 bad-condition  1 == 1; 17:1 "
         "bad-condition  a ==; "},
        {QUOTE_TEXT, "#@if NOPE == x\n${NO2}\n#@else\n${NO3}\n#@end\n", "1:6 unset NOPE; "},
        {QUOTE_TEXT, "#@if role == x\n${bad\n#@if\n#@end\n#@end\n",
         "2:1 unterminated bad; 3:1 bad-condition; "},
        {QUOTE_TEXT, "#@else\n#@end\n#@if role\n#@else\n#@else\n#@end\n#@for peer\n#@else\n#@end\n",
         "1:1 else-alone; 2:1 end-alone; 5:1 else-alone; 8:1 else-alone; "},
        {QUOTE_TEXT, " #@if role\n#@for peer\n#@if role\n#@end\n", "2:1 no-end; 1:2 no-end; "},
        {QUOTE_TEXT, "#@for\n${PEER}\n#@end\n#@for x\n#@end\n#@for peer x\n#@end\n",
         "1:1 bad-list; 4:1 bad-list x; 6:1 bad-list peer x; "},
        {QUOTE_TEXT, "#@for peer\n#@for peer\n#@end\n${PEER}${NOPE}\n#@end\n",
         "2:1 for-in-for peer; 4:8 unset NOPE; "},
        {QUOTE_TEXT, "#@for peer\n${ODD}\n#@end\n${PEER}\n${NOPE}",
         "2:1 unset ODD; 4:1 unset PEER; 5:1 unset NOPE; "},
        {QUOTE_TEXT, "#@for peer\n#@if PEER != p0\n${ODD}\n#@end\n#@end\n", "3:1 unset ODD; "},
        {QUOTE_TEXT, "${NAME@raw@raw}\n", "1:11 bad-operator NAME; "},
    };
    CHECK(rows, true);
    assert_int_equal(render(QUOTE_TEXT, "a\0b${NOPE}\n${NOPE}\n\0", 21, 0), 3);
    assert_string_equal(errors.data, "1:2 nul; 2:1 unset NOPE; 3:1 nul; ");
}

/* clang-format on */

static void without_peers_a_loop_is_only_read(void **state)
{
    (void)state;
    static const char text[] = "#@for peer\n${PEER}\n#@end\nz\n";
    static const char bad[] = "#@for peer\n${PEER\n#@end\nz\n";
    assert_int_equal(render(QUOTE_TEXT, text, sizeof text - 1, 0), 0);
    assert_string_equal(out.data, "z\n");
    assert_int_equal(render(QUOTE_TEXT, bad, sizeof bad - 1, 0), 1);
    assert_string_equal(errors.data, "2:1 unterminated PEER; ");
}

static void nesting_has_a_bound(void **state)
{
    (void)state;
    char text[8192];
    for (int depth = TEMPLATE_DEPTH_MAX - 1; depth <= TEMPLATE_DEPTH_MAX + 1; depth++) {
        size_t len = 0;
        for (int i = 0; i < depth; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "${N%d:-", i);
        len += (size_t)snprintf(text + len, sizeof text - len, "x");
        for (int i = 0; i < depth; i++)
            text[len++] = '}';
        assert_int_equal(render(QUOTE_TEXT, text, len, 0), depth > TEMPLATE_DEPTH_MAX);
        assert_string_equal(depth > TEMPLATE_DEPTH_MAX ? errors.data : out.data,
                            depth > TEMPLATE_DEPTH_MAX ? "1:215 deep; " : "x");
    }
    for (int depth = TEMPLATE_DEPTH_MAX; depth <= TEMPLATE_DEPTH_MAX + 5; depth += 5) {
        size_t len = 0;
        for (int i = 0; i < depth; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "#@if role\n");
        len += (size_t)snprintf(text + len, sizeof text - len, "x\n#@else\ny\n");
        for (int i = 0; i < depth; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "#@end\n");
        assert_int_equal(render(QUOTE_TEXT, text, len, 0), depth > TEMPLATE_DEPTH_MAX);
        assert_string_equal(depth > TEMPLATE_DEPTH_MAX ? errors.data : out.data,
                            depth > TEMPLATE_DEPTH_MAX ? "33:1 blocks-deep; " : "x\n");
    }
}

static void full_buffers_are_told_once(void **state)
{
    (void)state;
    static char text[2 * sizeof scratch];
    int len = snprintf(text, sizeof text, "${NOPE:-%0*d}\nb ${NAME}\n", (int)sizeof scratch + 1, 0);
    assert_int_equal(render(QUOTE_TEXT, text, (size_t)len, 0), 1);
    assert_string_equal(errors.data, "1:1 value-long NOPE; ");
    len = snprintf(text, sizeof text, "${NOPE@url:-%0*d/}\n", (int)sizeof scratch / 2, 0);
    assert_int_equal(render(QUOTE_TEXT, text, (size_t)len, 0), 1);
    assert_string_equal(errors.data, "1:1 value-long NOPE; ");

    const struct template_source source = {"a\nb ${NAME}\n${NAME}\n${NOPE}\n", 29, QUOTE_TEXT};
    const struct template_scope scope = {lookup, NULL, 0};
    const struct template_output output = {
        {put, &out},
        note, &errors, scratch, sizeof scratch
    };
    for (size_t cap = 0; cap < 12; cap++) {
        out.len = errors.len = 0;
        out.cap = cap;
        assert_int_equal(template_render(&source, &scope, &output), 1);
        assert_non_null(strstr(errors.data, "output-long"));
    }
}

/* The same work for each byte: a text of hostile beginnings, ten times as long, is not a hundred
 * times as slow (a generous factor for a busy machine). */
static double seconds(const char *piece, size_t len)
{
    char *text = malloc(len + 16);
    struct timespec begin, end;
    double best = 1e9;
    for (size_t i = 0; i < len; i += strlen(piece))
        memcpy(text + i, piece, strlen(piece));
    for (int i = 0; i < 3; i++) {
        clock_gettime(CLOCK_MONOTONIC, &begin);
        render(QUOTE_REDIS, text, len, 3);
        clock_gettime(CLOCK_MONOTONIC, &end);
        double took =
            (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
        best = took < best ? took : best;
    }
    free(text);
    return best;
}

static void time_is_linear(void **state)
{
    (void)state;
    static const char *const pieces[] = {"$", "${",       "$${",          "${A:-", "${A",
                                         "}", "#@if a\n", "#@for peer\n", "\\",    "\"'"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        double small = seconds(pieces[i], 30000), large = seconds(pieces[i], 300000);
        if (large > 0.05 + 40 * small)
            fail_msg("'%s': %f s, ten times as much: %f s", pieces[i], small, large);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_without_placeholders_stays_as_it_is),
        cmocka_unit_test(operators_are_those_of_posix),
        cmocka_unit_test(values_are_quoted_for_their_file),
        cmocka_unit_test(directives_choose_lines),
        cmocka_unit_test(every_error_is_told_with_its_place),
        cmocka_unit_test(without_peers_a_loop_is_only_read),
        cmocka_unit_test(nesting_has_a_bound),
        cmocka_unit_test(full_buffers_are_told_once),
        cmocka_unit_test(time_is_linear),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
