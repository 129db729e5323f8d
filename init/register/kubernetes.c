#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/net/http.h"
#include "init/register/backend.h"
#include "init/register/kube_access.h"
#include "init/register/kube_answer.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

#define URL_MAX 1024
#define BOUNDED_URL_MAX (URL_MAX + 32)
/* Of one request; the caller's deadline has the last word. An API server that is well answers in
 * milliseconds, and one of several behind the address may be dead. */
#define CONNECT_MS 5000
#define REQUEST_MS 15000
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 2000
#define RETRY_AFTER_MAX_S 3600
/* A ConfigMap's data has 1 MiB at most; names of its managers, escapes and the rest come on top. */
#define ANSWER_MAX ((size_t)4 << 20)
#define TOKEN_MAX ((size_t)64 << 10)
#define CA_MAX ((size_t)1 << 20)

/* The ConfigMap NAME in the namespace SPACE. */
struct kubernetes {
    struct kube_access access;
    char name[254];
    char space[64];
    char url[URL_MAX];
    struct http *http;   /* NULL before the first request */
    struct json *object; /* as begin read it */
};

/* RFC 1123: what Kubernetes allows in names; nothing that a path or URL would take for its own. */
static bool is_name(const char *name, size_t max)
{
    size_t len = strlen(name);
    return len > 0 && len <= max && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

bool register_kubernetes_open(void **data, const char *statefulset, const char *space,
                              struct err *err)
{
    struct kubernetes *made = calloc(1, sizeof *made);
    if (made == NULL)
        return err_set(err, ERR_IO, "out of memory for the register");
    (void)snprintf(made->name, sizeof made->name, "%s-ordain", statefulset);
    (void)snprintf(made->space, sizeof made->space, "%s", space);
    bool named = is_name(statefulset, sizeof made->name - sizeof "-ordain") &&
                 is_name(space, sizeof made->space - 1) && strchr(space, '.') == NULL;
    bool good =
        named || err_set(err, ERR_CONFIG,
                         "the Kubernetes register needs a namespace and the StatefulSet's name, "
                         "not '%.60s' and '%.60s'",
                         space, statefulset);
    if (!good || !kube_access_open(&made->access, err)) {
        free(made);
        return false;
    }
    (void)snprintf(made->url, sizeof made->url, "https://%s/api/v1/namespaces/%s/configmaps/%s",
                   made->access.server, made->space, made->name);
    *data = made;
    return true;
}

/* An update that its sender has given up shall not be stored later: `timeout` bounds the server's own work
 * (Kubernetes API concepts; apiserver's filters/request_deadline.go, and its handlers before that). */
static void bounded_url(const struct kubernetes *place, bool update, int64_t until_ns,
                        char url[static BOUNDED_URL_MAX])
{
    int64_t left_s = clock_left_ms(until_ns) / 1000;
    if (update)
        (void)snprintf(url, BOUNDED_URL_MAX, "%s?timeout=%llds", place->url,
                       (long long)(left_s > 0 ? left_s : 1));
    else
        (void)snprintf(url, BOUNDED_URL_MAX, "%s", place->url);
}

/* One request, which UPDATE (NULL: read) is the body of. *sent: the server may have done it. */
static enum kube_verdict ask_once(struct kubernetes *place, const struct buf *update,
                                  struct http_answer *answer, struct json **object,
                                  int64_t deadline_ns, struct err *err)
{
    static const char *const headers[] = {
        "Accept: application/json", "Content-Type: application/json", "User-Agent: ordain", NULL};
    struct buf token = buf_new(TOKEN_MAX);
    struct buf ca_pem = buf_new(CA_MAX);
    enum kube_verdict verdict = KUBE_NEVER;
    if ((place->http != NULL || http_open(&place->http, err)) &&
        kube_access_read(&token, &ca_pem, err)) {
        int64_t until_ns = clock_part_ns(deadline_ns, REQUEST_MS);
        char url[BOUNDED_URL_MAX];
        bounded_url(place, update != NULL, until_ns, url);
        struct http_request request = {
            .method = update != NULL ? "PUT" : "GET",
            .url = url,
            .token = buf_text(&token),
            .headers = headers,
            .ca_pem = buf_text(&ca_pem),
            .body = update != NULL ? buf_text(update) : NULL,
            .body_len = update != NULL ? update->len : 0,
        };
        struct kube_question question = {
            .verb = update != NULL ? "update" : "get",
            .name = place->name,
            .space = place->space,
            .server = place->access.server,
        };
        if (http_ask(place->http, &request, answer, clock_part_ns(deadline_ns, CONNECT_MS),
                     until_ns, err)) {
            verdict = kube_answer_judge(&question, answer, object, err);
        } else {
            (void)err_wrap(err, "the API server at %s cannot be asked", place->access.server);
            verdict = err->kind != ERR_LATER ? KUBE_NEVER
                      : answer->sent         ? KUBE_NO_ANSWER
                                             : KUBE_NOT_TAKEN;
        }
    }
    kube_access_forget(&token);
    buf_free(&ca_pem);
    return verdict;
}

/* Waits as the server asks, or *pause_ms, which grows; false when that would be past the deadline. */
static bool wait_again(const struct http_answer *answer, int64_t *pause_ms, int64_t deadline_ns,
                       struct err *err)
{
    log_wait("the register: %s", err->message);
    if (answer->retry_after_s > 0) {
        int64_t left_s = clock_left_ms(deadline_ns) / 1000;
        if (answer->retry_after_s > left_s || answer->retry_after_s > RETRY_AFTER_MAX_S)
            return err_wrap(err, "not in time, for it asks to wait %lld s",
                            (long long)answer->retry_after_s);
        /* A third more than asked: the jitter of a quarter each way must not come too early. */
        return clock_pause(answer->retry_after_s * 1000 * 4 / 3, deadline_ns);
    }
    bool in_time = clock_pause(*pause_ms, deadline_ns);
    *pause_ms = *pause_ms * 2 < PAUSE_MAX_MS ? *pause_ms * 2 : PAUSE_MAX_MS;
    return in_time;
}

/* Asks until there is an answer or the deadline. An update is sent again only where the one before was
 * certainly not taken. A token that is refused is read anew once: the kubelet may just have replaced it. */
static enum kube_verdict ask(struct kubernetes *place, const struct buf *update,
                             struct json **object, int64_t deadline_ns, struct err *err)
{
    struct http_answer answer = {.body = buf_new(ANSWER_MAX)};
    int64_t pause_ms = PAUSE_MIN_MS;
    bool token_refused = false;
    enum kube_verdict verdict;
    for (;;) {
        verdict = ask_once(place, update, &answer, object, deadline_ns, err);
        bool again = verdict == KUBE_NOT_TAKEN || (verdict == KUBE_NO_ANSWER && update == NULL);
        if (verdict == KUBE_TOKEN && !token_refused)
            token_refused = true;
        else if (!again || !wait_again(&answer, &pause_ms, deadline_ns, err))
            break;
    }
    log_wait_end();
    buf_free(&answer.body);
    return verdict;
}

static bool read_object(struct kubernetes *place, struct register_table *table,
                        struct json **object, int64_t deadline_ns, struct err *err)
{
    enum kube_verdict verdict = ask(place, NULL, object, deadline_ns, err);
    if (verdict == KUBE_CONFLICT)
        return err_set(err, ERR_LATER, "the API server at %s answers a question with a conflict",
                       place->access.server);
    return verdict == KUBE_DONE && kube_answer_table(*object, table, err);
}

static bool load(void *data, struct register_table *table, int64_t deadline_ns, struct err *err)
{
    struct json *object = NULL;
    bool good = read_object(data, table, &object, deadline_ns, err);
    json_free(object);
    return good;
}

static bool begin(void *data, struct register_table *table, int64_t deadline_ns, struct err *err)
{
    struct kubernetes *place = data;
    if (!read_object(place, table, &place->object, deadline_ns, err))
        return false;
    return !json_is_true(json_member(place->object, "immutable")) ||
           err_set(
               err, ERR_CONFIG,
               "configmap '%s/%s' is immutable, and cannot be a register: create it anew without",
               place->space, place->name);
}

/* The whole object goes back as it was read, resourceVersion and uid included; but for `data`. */
static bool commit(void *data, const struct register_table *table, enum register_outcome *outcome,
                   int64_t deadline_ns, struct err *err)
{
    struct kubernetes *place = data;
    struct buf update = buf_new(ANSWER_MAX);
    struct json *object = NULL;
    *outcome = REGISTER_FAILED;
    bool good = kube_answer_put(place->object, table) && json_print(place->object, false, &update);
    if (!good)
        (void)err_set(err, ERR_IO, "out of memory for the register");
    else if (!buf_ok(&update))
        good = err_set(err, ERR_CONFIG, "configmap '%s/%s' would exceed %zu bytes", place->space,
                       place->name, ANSWER_MAX);
    if (good) {
        enum kube_verdict verdict = ask(place, &update, &object, deadline_ns, err);
        good = verdict == KUBE_DONE || verdict == KUBE_CONFLICT;
        if (good)
            *outcome = verdict == KUBE_DONE ? REGISTER_STORED : REGISTER_OUTRUN;
        else if (verdict == KUBE_NO_ANSWER)
            *outcome = REGISTER_UNKNOWN;
    }
    json_free(object);
    buf_free(&update);
    return good;
}

static void end(void *data)
{
    struct kubernetes *place = data;
    json_free(place->object);
    place->object = NULL;
}

static void close_place(void *data)
{
    struct kubernetes *place = data;
    end(place);
    http_close(place->http);
    free(place);
}

const struct register_backend register_kubernetes = {
    .kind = REGISTER_KUBERNETES,
    .load = load,
    .begin = begin,
    .commit = commit,
    .end = end,
    .close = close_place,
};
