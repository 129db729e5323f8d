/* Whatever answers in the API server's place: three bytes are the status, the rest is the body. A ConfigMap
 * that is taken can be changed in one key, and is the same in all else when it is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/register/kube_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kube_question question = {"get", "redis-ordain", "cache", "10.96.0.1:443"};

static void require(int condition)
{
    if (!condition)
        abort();
}

static enum kube_verdict judge(int status, const char *body, size_t len, struct json **object)
{
    struct err err = {.message = ""};
    struct http_answer answer = {.status = status, .body = buf_new(len)};
    buf_add(&answer.body, body, len);
    enum kube_verdict verdict = kube_answer_judge(&question, &answer, object, &err);
    require((verdict == KUBE_DONE) == (*object != NULL));
    require((verdict == KUBE_DONE || verdict == KUBE_CONFLICT) == (err.message[0] == '\0'));
    buf_free(&answer.body);
    return verdict;
}

/* The answer to an update of OBJECT. */
static struct json *stored(const struct json *object)
{
    struct json *again = NULL;
    struct buf text = buf_new((size_t)4 << 20);
    require(json_print(object, false, &text) && buf_ok(&text));
    require(judge(200, buf_text(&text), text.len, &again) == KUBE_DONE);
    buf_free(&text);
    return again;
}

static void check_change(struct json *object)
{
    struct register_table table = {.entries = NULL};
    struct err err;
    if (!kube_answer_table(object, &table, &err))
        goto out;
    size_t count = table.count;
    bool there = register_table_get(&table, "seeded.3") != NULL;
    if (!register_table_set(&table, "seeded.3", "now"))
        goto out;
    require(kube_answer_put(object, &table));
    struct json *again = stored(object);
    struct register_table read = {.entries = NULL};
    require(kube_answer_table(again, &read, &err) && read.count == count + !there);
    for (size_t i = 0; i < table.count; i++) {
        const char *value = register_table_get(&read, table.entries[i].key);
        require(value != NULL && strcmp(value, table.entries[i].value) == 0);
    }
    register_table_clear(&read);
    json_free(again);
out:
    register_table_clear(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *object = NULL;
    if (size < 3)
        return 0;
    int status = 0;
    for (size_t i = 0; i < 3; i++)
        status = status * 10 + data[i] % 10;
    if (judge(status, (const char *)data + 3, size - 3, &object) == KUBE_DONE)
        check_change(object);
    json_free(object);
    return 0;
}
