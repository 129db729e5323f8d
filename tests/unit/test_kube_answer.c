#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "init/register/kube_answer.h"

#define CONFIGMAP(rest)                                                                            \
    "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pg-ordain\","          \
    "\"namespace\":\"db\",\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}}" rest "}"

static const struct kube_question question = {"update", "pg-ordain", "db", "10.96.0.1:443"};
static struct err err;
static struct json *object;

/* BODY is a Status' message where there is a REASON. */
static enum kube_verdict judge(int status, const char *reason, const char *body)
{
    struct http_answer answer = {.status = status, .body = buf_new(1 << 20)};
    if (reason == NULL)
        buf_add_text(&answer.body, body);
    else
        buf_printf(
            &answer.body,
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"reason\":\"%s\",\"message\":\"%s\"}",
            reason, body);
    err = (struct err){.message = ""};
    enum kube_verdict verdict = kube_answer_judge(&question, &answer, &object, &err);
    assert_true((verdict == KUBE_DONE) == (object != NULL));
    assert_true((verdict == KUBE_DONE || verdict == KUBE_CONFLICT) == (err.message[0] == '\0'));
    buf_free(&answer.body);
    return verdict;
}

static const char empty_map[] = CONFIGMAP("");
static const char null_map[] = CONFIGMAP(",\"data\":null");

static void each_answer_has_one_verdict(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *reason, *body;
        enum kube_verdict verdict;
        enum err_kind kind; /* 0: no error */
        const char *part;
    } cases[] = {
        {200, NULL,                   empty_map,              KUBE_DONE,      0,          ""                       },
        {201, NULL,                   null_map,               KUBE_DONE,      0,          ""                       },
        {200, "",                     "",                     KUBE_NO_ANSWER, ERR_LATER,  "not the ConfigMap"      },
        {200, NULL,                   "<html>",               KUBE_NO_ANSWER, ERR_LATER,  "status 200"             },
        {302, NULL,                   "",                     KUBE_NO_ANSWER, ERR_LATER,  "status 302"             },
        {400, "BadRequest",           "x",                    KUBE_NEVER,     ERR_CONFIG, "refuses (400): x"       },
        {401, NULL,                   "",                     KUBE_TOKEN,     ERR_DENIED, "(401)"                  },
        {401, "Unauthorized",         "Unauthorized",         KUBE_TOKEN,     ERR_DENIED, "(401)"                  },
        {403, "Forbidden",            "User cannot x",        KUBE_NEVER,     ERR_DENIED, "the service account may"},
        {403, "Forbidden",            "a webhook",            KUBE_NEVER,     ERR_DENIED, "'db': a webhook"        },
        {403, NULL,                   "<html>",               KUBE_NO_ANSWER, ERR_LATER,  "status 403"             },
        {404, "NotFound",             "x",                    KUBE_NEVER,     ERR_CONFIG, "does not exist"         },
        {404, "",                     "x",                    KUBE_NO_ANSWER, ERR_LATER,  "knows no ConfigMaps"    },
        {404, NULL,                   "404 page not found",   KUBE_NO_ANSWER, ERR_LATER,  "status 404"             },
        {409, "Conflict",             "x",                    KUBE_CONFLICT,  0,          ""                       },
        {409, "NamespaceTerminating", "bye",                  KUBE_NEVER,     ERR_LATER,  "'db/pg-ordain' now: bye"},
        {409, NULL,                   "conflict",             KUBE_NO_ANSWER, ERR_LATER,  "status 409"             },
        {422, "Invalid",              "Too long",             KUBE_NEVER,     ERR_CONFIG, "(422): Too long"        },
        {429, NULL,                   "",                     KUBE_NOT_TAKEN, ERR_LATER,  "(429)"                  },
        {429, "TooManyRequests",      "later",                KUBE_NOT_TAKEN, ERR_LATER,  "(429): later"           },
        {500, "InternalError",        "etcd",                 KUBE_NO_ANSWER, ERR_LATER,  "fails (500): etcd"      },
        {503, NULL,                   "{\"kind\":\"Other\"}", KUBE_NO_ANSWER, ERR_LATER,  "no Status"              },
        {504, "Timeout",              "",                     KUBE_NO_ANSWER, ERR_LATER,  "gives no reason"        },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (judge(cases[i].status, cases[i].reason, cases[i].body) != cases[i].verdict)
            fail_msg("%d %s: %s", cases[i].status, cases[i].body, err.message);
        if (cases[i].kind != 0)
            assert_int_equal(err.kind, cases[i].kind);
        if (strstr(err.message, cases[i].part) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].part, err.message);
        json_free(object);
    }
}

static void the_service_account_is_told_as_the_server_names_it(void **state)
{
    (void)state;
    (void)judge(403, "Forbidden", "User \\\"system:serviceaccount:db:pg\\\" cannot update");
    assert_non_null(strstr(err.message, "the service account 'db/pg' may not update configmap "
                                        "'pg-ordain' in namespace 'db'"));
    static const char *const strange[] = {
        "User \\\"system:serviceaccount:db\\\" cannot do this: update",
        "User \\\"system:serviceaccount:db:pg cannot update",
        "\\\"system:serviceaccount:\\\" cannot update",
    };
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        (void)judge(403, "Forbidden", strange[i]);
        assert_non_null(strstr(err.message, "the service account may not update"));
    }
}

static void only_what_differs_is_put_into_the_object(void **state)
{
    (void)state;
    struct register_table table = {.entries = NULL};
    struct buf out = buf_new(1 << 10);
    assert_int_equal(
        judge(200, NULL, CONFIGMAP(",\"data\":{\"x\":\"two\\nlines\",\"a\":\"1\"},\"b\":[1]")),
        KUBE_DONE);
    assert_true(kube_answer_table(object, &table, &err));
    assert_string_equal(register_table_get(&table, "x"), "two\nlines");
    assert_true(register_table_set(&table, "a", "2") && register_table_set(&table, "n", ""));
    assert_true(kube_answer_put(object, &table) && json_print(object, false, &out));
    assert_string_equal(
        buf_text(&out),
        CONFIGMAP(",\"data\":{\"x\":\"two\\nlines\",\"a\":\"2\",\"n\":\"\"},\"b\":[1]"));
    json_free(object);
    buf_clear(&out);
    assert_int_equal(judge(200, NULL, CONFIGMAP(",\"data\":null")), KUBE_DONE);
    assert_true(kube_answer_put(object, &table) && json_print(object, false, &out));
    assert_string_equal(buf_text(&out),
                        CONFIGMAP(",\"data\":{\"a\":\"2\",\"n\":\"\",\"x\":\"two\\nlines\"}"));
    json_free(object);
    buf_free(&out);
    register_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_has_one_verdict),
        cmocka_unit_test(the_service_account_is_told_as_the_server_names_it),
        cmocka_unit_test(only_what_differs_is_put_into_the_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
