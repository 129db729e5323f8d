#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/sys/json.h"
#include "init/sys/json_syntax.h"

static struct err err;

/* A copy of exactly LEN bytes, so that the sanitizer sees a read past them. */
static struct json *parse_bytes(const char *text, size_t len)
{
    struct json *value = NULL;
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    bool good = json_parse(&value, copy, len, &err);
    assert_true(good == (value != NULL));
    free(copy);
    return value;
}

static struct json *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void is_refused(const char *text, size_t len, const char *part)
{
    struct json *value = parse_bytes(text, len);
    if (value != NULL)
        fail_msg("taken: %s", text);
    assert_int_equal(err.kind, ERR_CONFIG);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' is not in: %s", part, err.message);
}

static void prints(const char *text, const char *printed)
{
    struct buf out = buf_new(1 << 20);
    struct json *value = parse(text);
    if (value == NULL)
        fail_msg("%s: %s", text, err.message);
    assert_true(json_print(value, false, &out) && buf_ok(&out));
    assert_string_equal(buf_text(&out), printed);
    buf_free(&out);
    json_free(value);
}

static void values_come_back_as_they_were(void **state)
{
    (void)state;
    prints(" {\"a\" :\t[1, -2.5,true ,false,null,{}] ,\r\n\"b\":\"\"} ",
           "{\"a\":[1,-2.5,true,false,null,{}],\"b\":\"\"}");
    prints("\"\\u00e9 \\ud83d\\ude00 \xc3\xa9 \\/ \\\"\\\\\\b\\f\\n\\r\\t \\u0001 \x7f\"",
           "\"\xc3\xa9 \xf0\x9f\x98\x80 \xc3\xa9 / \\\"\\\\\\b\\f\\n\\r\\t \\u0001 \x7f\"");
    prints("999999999999999", "999999999999999");
    prints("-999999999999999", "-999999999999999");
    prints("1732380000123", "1732380000123");
    prints("0.1", "0.1");
    prints("1E+2", "100");
    prints("{\"A\":1,\"a\":2,\"\":3}",
           "{\"A\":1,\"a\":2,\"\":3}"); /* keys are told apart by case */
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"",                            "no JSON value at byte 0"      },
        {" ",                           "no JSON value at byte 1"      },
        {"<html>",                      "no JSON value at byte 0"      },
        {"\xef\xbb\xbf{}",              "no JSON value at byte 0"      },
        {"nul",                         "no JSON value"                },
        {"{} x",                        "behind the value at byte 3"   },
        {"{}{}",                        "behind the value"             },
        {"{\"a\" 1}",                   "a colon is missing at byte 5" },
        {"{a:1}",                       "a string is missing at byte 1"},
        {"{\"a\":1,}",                  "a string is missing"          },
        {"[1,]",                        "no JSON value"                },
        {"[1 2]",                       "does not end"                 },
        {"[1}",                         "does not end"                 },
        {"{\"a\":1",                    "does not end"                 },
        {"\"a",                         "a string does not end"        },
        {"\"a\\",                       "a string does not end"        },
        {"\"\\x41\"",                   "an unknown escape"            },
        {"\"\\u12g4\"",                 "four hexadecimal digits"      },
        {"\"a\\u0000b\"",               "a string with a NUL"          },
        {"\"\\udc00\"",                 "half a surrogate pair"        },
        {"\"\\ud800\"",                 "half a surrogate pair"        },
        {"\"\\ud800\\ud800\"",          "half a surrogate pair"        },
        {"\"a\nb\"",                    "a control character"          },
        {"\"\xff\"",                    "no UTF-8"                     },
        {"\"\xc0\x80\"",                "no UTF-8"                     },
        {"\"\xed\xa0\x80\"",            "no UTF-8"                     },
        {"\"\xc3",                      "no UTF-8"                     },
        {"01",                          "behind the value at byte 1"   },
        {"+1",                          "no JSON value"                },
        {".5",                          "no JSON value"                },
        {"1.",                          "a digit is missing"           },
        {"-",                           "a digit is missing"           },
        {"1e",                          "a digit is missing"           },
        {"0x10",                        "behind the value"             },
        {"NaN",                         "no JSON value"                },
        {"\f1",                         "no JSON value"                },
        {"1000000000000000",            "a number is too large"        },
        {"[-1e99]",                     "a number is too large"        },
        {"1e999",                       "a number is too large"        },
        {"{\"a\":1,\"b\":2,\"a\":1}",   "a key twice"                  },
        {"[{\"x\":{\"a\":1,\"a\":1}}]", "a key twice"                  },
        {"{\"a\":1,\"\\u0061\":1}",     "a key twice"                  },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_refused(cases[i].text, strlen(cases[i].text), cases[i].part);
    is_refused("1\0", 2, "behind the value at byte 1");
    is_refused("\"a\0b\"", 5, "a control character");
}

static void a_text_has_its_limits(void **state)
{
    (void)state;
    char deep[2 * JSON_DEPTH_MAX + 3];
    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    json_free(parse_bytes(deep, (size_t)2 * JSON_DEPTH_MAX));
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    is_refused(deep, (size_t)2 * JSON_DEPTH_MAX + 2, "nested too deep at byte 64");

    struct buf many = buf_new((size_t)1 << 20);
    buf_add_text(&many, "[0");
    for (int i = 0; i < JSON_VALUES_MAX - 2; i++)
        buf_add_text(&many, ",0");
    buf_add_text(&many, "]");
    struct json *value = parse_bytes(many.data, many.len);
    assert_non_null(value);
    json_free(value);
    many.data[many.len - 1] = ',';
    buf_add_text(&many, "0]");
    is_refused(many.data, many.len, "too many values");
    buf_free(&many);

    char digits[JSON_DIGITS_MAX + 2] = "0.";
    memset(digits + 2, '1', JSON_DIGITS_MAX - 1);
    json_free(parse_bytes(digits, JSON_DIGITS_MAX));
    is_refused(digits, JSON_DIGITS_MAX + 1, "too many digits");
}

static void members_are_looked_up_as_they_are_written(void **state)
{
    (void)state;
    uint64_t number = 7;
    struct json *value =
        parse("{\"Path\":\"base/1\",\"Size\":8192,\"n\":null,\"half\":0.5,\"minus\":-1,"
              "\"yes\":true,\"no\":false,\"list\":[1,\"x\"]}");
    assert_non_null(value);
    assert_string_equal(json_text(json_member(value, "Path")), "base/1");
    assert_null(json_member(value, "path"));
    assert_null(json_text(json_member(value, "Size")));
    assert_true(json_u64(json_member(value, "Size"), &number));
    assert_int_equal(number, 8192);
    assert_false(json_u64(json_member(value, "half"), &number));
    assert_false(json_u64(json_member(value, "minus"), &number));
    assert_false(json_u64(json_member(value, "Path"), &number));
    assert_int_equal(number, 8192);
    assert_true(json_is_true(json_member(value, "yes")));
    assert_false(json_is_true(json_member(value, "no")));
    assert_false(json_is_true(json_member(value, "list")));
    assert_int_equal(json_kind(json_member(value, "n")), JSON_NULL);
    assert_int_equal(json_kind(json_member(value, "no")), JSON_BOOL);
    assert_int_equal(json_kind(json_member(value, "half")), JSON_NUMBER);
    assert_int_equal(json_kind(value), JSON_OBJECT);
    struct json *list = json_member(value, "list");
    assert_int_equal(json_kind(list), JSON_ARRAY);
    assert_string_equal(json_key(list), "list");
    assert_null(json_key(json_first(list)));
    assert_string_equal(json_text(json_next(json_first(list))), "x");
    assert_null(json_next(json_next(json_first(list))));
    json_free(value);
}

static void what_is_not_there_is_looked_up_without_harm(void **state)
{
    (void)state;
    uint64_t number;
    struct json *text = parse("\"text\"");
    const struct json *nothing = json_member(json_member(text, "a"), "b");
    assert_null(nothing);
    assert_int_equal(json_kind(nothing), JSON_ABSENT);
    assert_null(json_text(nothing));
    assert_null(json_first(nothing));
    assert_null(json_first(text));
    assert_null(json_next(nothing));
    assert_null(json_key(nothing));
    assert_false(json_u64(nothing, &number));
    assert_false(json_is_true(nothing));
    json_free(text);
    json_free(NULL);
}

static void a_member_is_set_in_its_place(void **state)
{
    (void)state;
    struct buf out = buf_new(100);
    struct json *value = parse("{\"a\":{\"x\":1},\"b\":2}");
    assert_true(json_set_text(value, "a", "line\n\"\xc3\xa9\""));
    assert_true(json_set_text(value, "A", ""));
    struct json *inner = json_object();
    assert_true(json_set_text(inner, "k", "v"));
    assert_true(json_set(value, "c", inner));
    assert_false(json_set(value, "d", NULL));
    assert_true(json_print(value, false, &out));
    assert_string_equal(
        buf_text(&out),
        "{\"a\":\"line\\n\\\"\xc3\xa9\\\"\",\"b\":2,\"A\":\"\",\"c\":{\"k\":\"v\"}}");
    struct buf small = buf_new(10);
    assert_true(json_print(value, false, &small));
    assert_false(buf_ok(&small));
    buf_free(&small);
    buf_free(&out);
    json_free(value);
}

static void what_is_built_is_printed_for_people_too(void **state)
{
    (void)state;
    struct buf out = buf_new(200);
    struct json *value = json_object();
    struct json *list = json_array();
    assert_true(json_set_number(value, "n", -3) && json_set_bool(value, "yes", true) &&
                json_set_bool(value, "no", false));
    assert_true(json_add_text(list, "a") && json_add(list, json_object()));
    assert_false(json_add(list, NULL));
    assert_true(json_set(value, "list", list));
    assert_true(json_print(value, true, &out));
    assert_string_equal(buf_text(&out), "{\n\t\"n\":\t-3,\n\t\"yes\":\ttrue,\n\t\"no\":\tfalse,\n"
                                        "\t\"list\":\t[\"a\", {\n\t\t}]\n}");
    buf_free(&out);
    json_free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
        cmocka_unit_test(a_text_has_its_limits),
        cmocka_unit_test(members_are_looked_up_as_they_are_written),
        cmocka_unit_test(what_is_not_there_is_looked_up_without_harm),
        cmocka_unit_test(a_member_is_set_in_its_place),
        cmocka_unit_test(what_is_built_is_printed_for_people_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
