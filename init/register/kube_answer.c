#include "init/register/kube_answer.h"

#include <stdio.h>
#include <string.h>

/* As much of a server's own words as a sentence bears. */
#define WORDS_MAX 300

static bool is_text(const struct json *value, const char *text)
{
    const char *there = json_text(value);
    return there != NULL && strcmp(there, text) == 0;
}

/* Metadata that is this ConfigMap's, in a state that can be updated. */
static bool is_ours(const struct kube_question *question, const struct json *object)
{
    const struct json *metadata = json_member(object, "metadata");
    const char *version = json_text(json_member(metadata, "resourceVersion"));
    return is_text(json_member(object, "kind"), "ConfigMap") &&
           is_text(json_member(object, "apiVersion"), "v1") &&
           is_text(json_member(metadata, "name"), question->name) &&
           is_text(json_member(metadata, "namespace"), question->space) && version != NULL &&
           *version != '\0';
}

/* `data` is absent, null or an object of texts under keys that a ConfigMap may have. */
static bool is_data(const struct json *data)
{
    enum json_kind kind = json_kind(data);
    if (kind != JSON_OBJECT)
        return kind == JSON_ABSENT || kind == JSON_NULL;
    for (const struct json *value = json_first(data); value != NULL; value = json_next(value)) {
        const char *key = json_key(value);
        if (json_text(value) == NULL || !register_key_is_valid(key, strlen(key)))
            return false;
    }
    return true;
}

/* An answer that no API server gives. */
static enum kube_verdict stranger(const struct kube_question *question,
                                  const struct http_answer *answer, const char *why,
                                  struct err *err)
{
    (void)err_set(
        err, ERR_LATER,
        "no API server answers at %s, but something before it or in its place: status %d%s%s, "
        "%s",
        question->server, answer->status, *answer->content_type != '\0' ? ", " : "",
        answer->content_type, why);
    return KUBE_NO_ANSWER;
}

/* --- what a Status object tells --- */

static const char *words_of(const struct json *status)
{
    const char *words = json_text(json_member(status, "message"));
    return words != NULL && *words != '\0' ? words : "it gives no reason";
}

/* "ns/name" of the service account in `User "system:serviceaccount:ns:name" cannot ...`; false where
 * the words name none. */
static bool account_of(const char *words, char account[static 256])
{
    static const char prefix[] = "\"system:serviceaccount:";
    const char *from = strstr(words, prefix);
    if (from == NULL)
        return false;
    from += sizeof prefix - 1;
    const char *colon = strchr(from, ':');
    const char *end = strchr(from, '"');
    if (colon == NULL || end == NULL || colon > end || end - from >= 256)
        return false;
    (void)snprintf(account, 256, "%.*s/%.*s", (int)(colon - from), from, (int)(end - colon - 1),
                   colon + 1);
    return true;
}

static void tell_forbidden(const struct kube_question *question, const struct json *status,
                           struct err *err)
{
    const char *words = words_of(status);
    char account[256];
    bool is_rbac = strstr(words, " cannot ") != NULL;
    if (!is_rbac) {
        (void)err_set(err, ERR_DENIED,
                      "the API server forbids to %s configmap '%s' in namespace '%s': "
                      "%.*s",
                      question->verb, question->name, question->space, WORDS_MAX, words);
        return;
    }
    bool named = account_of(words, account);
    (void)err_set(
        err, ERR_DENIED,
        "the service account%s%s%s may not %s configmap '%s' in namespace '%s': give it a "
        "Role with the verbs get and update on this name, and a RoleBinding",
        named ? " '" : "", named ? account : "", named ? "'" : "", question->verb, question->name,
        question->space);
}

static void tell_missing(const struct kube_question *question, const struct json *status,
                         struct err *err)
{
    const char *kind = json_text(json_member(json_member(status, "details"), "kind"));
    if (kind != NULL && strcmp(kind, "namespaces") == 0) {
        (void)err_set(err, ERR_CONFIG, "the namespace '%s' of the register does not exist",
                      question->space);
        return;
    }
    (void)err_set(
        err, ERR_CONFIG,
        "configmap '%s' does not exist in namespace '%s': create it, empty, beside the "
        "StatefulSet (it is the register of its births; ORDAIN_REGISTER=none does without)",
        question->name, question->space);
}

static enum kube_verdict judge_status(const struct kube_question *question,
                                      const struct http_answer *answer, const struct json *status,
                                      struct err *err)
{
    const char *words = words_of(status);
    switch (answer->status) {
    case 401:
        (void)err_set(
            err, ERR_DENIED,
            "the API server at %s does not accept the service account's token (401): it is "
            "expired, of another cluster, or its account is gone; a new pod gets a new one",
            question->server);
        return KUBE_TOKEN;
    case 403:
        tell_forbidden(question, status, err);
        return KUBE_NEVER;
    case 404:
        if (!is_text(json_member(status, "reason"), "NotFound"))
            return stranger(question, answer, "which knows no ConfigMaps", err);
        tell_missing(question, status, err);
        return KUBE_NEVER;
    case 409:
        if (is_text(json_member(status, "reason"), "Conflict"))
            return KUBE_CONFLICT;
        (void)err_set(err, ERR_LATER, "the API server does not %s configmap '%s/%s' now: %.*s",
                      question->verb, question->space, question->name, WORDS_MAX, words);
        return KUBE_NEVER;
    case 429:
        (void)err_set(err, ERR_LATER, "the API server at %s has too much to do (429): %.*s",
                      question->server, WORDS_MAX, words);
        return KUBE_NOT_TAKEN;
    default:
        break;
    }
    bool ill = answer->status >= 500;
    (void)err_set(err, ill ? ERR_LATER : ERR_CONFIG,
                  ill ? "the API server at %s fails (%d): %.*s"
                      : "the API server at %s refuses (%d): %.*s",
                  question->server, answer->status, WORDS_MAX, words);
    return ill ? KUBE_NO_ANSWER : KUBE_NEVER;
}

enum kube_verdict kube_answer_judge(const struct kube_question *question,
                                    const struct http_answer *answer, struct json **object,
                                    struct err *err)
{
    struct err why;
    struct json *value = NULL;
    *object = NULL;
    if (answer->status == 429 || answer->status == 401) /* said by whoever stands before it, too */
        (void)json_parse(&value, buf_text(&answer->body), answer->body.len, &why);
    else if (!json_parse(&value, buf_text(&answer->body), answer->body.len, &why)) {
        if (why.kind == ERR_IO) {
            *err = why;
            return KUBE_NEVER;
        }
        return stranger(question, answer, why.message, err);
    }
    enum kube_verdict verdict;
    if (answer->status == 200 || answer->status == 201) {
        if (is_ours(question, value) && is_data(json_member(value, "data"))) {
            *object = value;
            return KUBE_DONE;
        }
        verdict = stranger(question, answer, "which is not the ConfigMap that was asked for", err);
    } else if (value == NULL || (is_text(json_member(value, "kind"), "Status") &&
                                 is_text(json_member(value, "apiVersion"), "v1"))) {
        verdict = judge_status(question, answer, value, err);
    } else {
        verdict = stranger(question, answer, "which is no Status", err);
    }
    json_free(value);
    return verdict;
}

/* --- the ConfigMap's data --- */

bool kube_answer_table(const struct json *object, struct register_table *table, struct err *err)
{
    const struct json *value = json_first(json_member(object, "data"));
    for (; value != NULL; value = json_next(value)) {
        if (register_table_set(table, json_key(value), json_text(value)))
            continue;
        bool full = table->count == REGISTER_ENTRIES_MAX;
        return err_set(err, full ? ERR_CONFIG : ERR_IO,
                       full ? "the register's configmap has more than %d keys"
                            : "out of memory for the register (%d keys at most)",
                       REGISTER_ENTRIES_MAX);
    }
    return true;
}

bool kube_answer_put(struct json *object, const struct register_table *table)
{
    if (json_kind(json_member(object, "data")) != JSON_OBJECT &&
        !json_set(object, "data", json_object()))
        return false;
    struct json *data = json_member(object, "data");
    for (size_t i = 0; i < table->count; i++) {
        const struct register_entry *entry = &table->entries[i];
        if (!is_text(json_member(data, entry->key), entry->value) &&
            !json_set_text(data, entry->key, entry->value))
            return false;
    }
    return true;
}
