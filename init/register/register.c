#include "init/register/register.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/register/backend.h"
#include "init/register/kube_access.h"
#include "init/sys/bug.h"
#include "init/sys/clock.h"

#define LOST_PAUSE_MIN_MS 20
#define LOST_PAUSE_MAX_MS 1000
#define FILE_PREFIX "file:"

struct register_store {
    const struct register_backend *backend;
    void *data;
    char cluster_id[REGISTER_VALUE_MAX];
    char description[4096 + 256];
    bool newer; /* of a format that is not known here */
};

/* Whether VALUE can be told back in a struct of REGISTER_VALUE_MAX bytes, and in one line. */
static bool is_value(const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c < 0x20 || c == 0x7F)
            return false;
    }
    return len > 0 && len < REGISTER_VALUE_MAX;
}

static bool open_file(struct register_store *store, const char *path, const char *statefulset,
                      struct err *err)
{
    if (path[0] == '\0')
        return err_set(err, ERR_CONFIG, "ORDAIN_REGISTER '" FILE_PREFIX "' names no directory");
    store->backend = &register_file;
    (void)snprintf(store->description, sizeof store->description, FILE_PREFIX "%s/%s-ordain", path,
                   statefulset);
    return register_file_open(&store->data, path, statefulset, err);
}

static bool open_kubernetes(struct register_store *store, const char *namespace_name,
                            const char *statefulset, struct err *err)
{
    store->backend = &register_kubernetes;
    (void)snprintf(store->description, sizeof store->description, "configmap %s/%s-ordain",
                   namespace_name, statefulset);
    return register_kubernetes_open(&store->data, statefulset, namespace_name, err);
}

static bool open_backend(struct register_store *store, const char *name, const char *statefulset,
                         const char *namespace_name, struct err *err)
{
    bool is_file = strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0;
    if (name[0] == '\0')
        name = kube_access_is_mounted() ? "kubernetes" : "none";
    if (strcmp(name, "none") == 0) {
        store->backend = &register_none;
        (void)snprintf(store->description, sizeof store->description, "none");
        return true;
    }
    if (!is_file && strcmp(name, "kubernetes") != 0) {
        return err_set(err, ERR_CONFIG,
                       "ORDAIN_REGISTER '%s' is none of 'kubernetes', 'none' and 'file:PATH'",
                       name);
    }
    if (statefulset[0] == '\0' || strchr(statefulset, '/') != NULL) {
        return err_set(err, ERR_CONFIG,
                       "the register needs the StatefulSet's name: set ORDAIN_STATEFULSET");
    }
    return is_file ? open_file(store, name + strlen(FILE_PREFIX), statefulset, err)
                   : open_kubernetes(store, namespace_name, statefulset, err);
}

bool register_open(struct register_store **store, const char *name, const char *statefulset,
                   const char *namespace_name, const char *cluster_id, struct err *err)
{
    struct register_store *made = calloc(1, sizeof *made);
    if (made == NULL)
        return err_set(err, ERR_IO, "out of memory for the register");
    bool good = open_backend(made, name, statefulset, namespace_name, err);
    if (good && made->backend->kind != REGISTER_NONE && !is_value(cluster_id)) {
        good = err_set(err, ERR_CONFIG, "the register needs a cluster id: set ORDAIN_CLUSTER_ID");
        made->backend->close(made->data);
    }
    if (!good) {
        free(made);
        return false;
    }
    (void)snprintf(made->cluster_id, sizeof made->cluster_id, "%s", cluster_id);
    *store = made;
    return true;
}

void register_close(struct register_store *store)
{
    if (store != NULL) {
        store->backend->close(store->data);
        free(store);
    }
}

enum register_kind register_kind(const struct register_store *store)
{
    return store->backend->kind;
}

const char *register_describe(const struct register_store *store)
{
    return store->description;
}

bool register_is_newer(const struct register_store *store)
{
    return store->newer;
}

/* A register without format and cluster id was not written by ordain yet; both or none must be
 * there. */
static bool check(struct register_store *store, const struct register_table *table, struct err *err)
{
    const char *format = register_table_get(table, "format");
    const char *cluster_id = register_table_get(table, "cluster-id");
    if (format == NULL && cluster_id == NULL)
        return true;
    if (format == NULL || cluster_id == NULL) {
        return err_set(err, ERR_CONFIG, "the register %s is damaged: it has no '%s'",
                       store->description, format == NULL ? "format" : "cluster-id");
    }
    if (strcmp(format, REGISTER_FORMAT) != 0) {
        store->newer = true;
        return err_set(err, ERR_CONFIG,
                       "the register %s has format '%s', and this version of ordain knows only "
                       "'" REGISTER_FORMAT "': use a newer one",
                       store->description, format);
    }
    if (strcmp(cluster_id, store->cluster_id) != 0) {
        return err_set(
            err, ERR_REFUSED,
            "the register %s is of the cluster '%s', and this is '%s' (ORDAIN_CLUSTER_ID)",
            store->description, cluster_id, store->cluster_id);
    }
    return true;
}

/* Fills READING from TABLE. */
static bool tell(const struct register_store *store, const struct register_table *table,
                 struct register_reading *reading, struct err *err)
{
    const char *value = reading->prefix ? register_table_get_prefix(table, reading->key)
                                        : register_table_get(table, reading->key);
    reading->found = value != NULL;
    reading->value[0] = '\0';
    if (value == NULL)
        return true;
    size_t len = strlen(value);
    if (len >= REGISTER_VALUE_MAX) {
        return err_set(err, ERR_CONFIG, "the register %s is damaged: '%s' has %zu bytes",
                       store->description, reading->key, len);
    }
    if (len > 0 && !is_value(value)) {
        return err_set(err, ERR_CONFIG, "the register %s is damaged: '%s' has control characters",
                       store->description, reading->key);
    }
    memcpy(reading->value, value, len + 1);
    return true;
}

static bool tell_all(const struct register_store *store, const struct register_table *table,
                     struct register_reading *readings, size_t count, struct err *err)
{
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = tell(store, table, &readings[i], err);
    return good;
}

bool register_get_all(struct register_store *store, struct register_reading *readings, size_t count,
                      int64_t deadline_ns, struct err *err)
{
    struct register_table table = {.entries = NULL};
    bool good = store->backend->load(store->data, &table, deadline_ns, err) &&
                check(store, &table, err) && tell_all(store, &table, readings, count, err);
    register_table_clear(&table);
    return good;
}

bool register_get(struct register_store *store, const char *key,
                  char value[static REGISTER_VALUE_MAX], bool *found, int64_t deadline_ns,
                  struct err *err)
{
    struct register_reading reading = {.key = key};
    if (!register_get_all(store, &reading, 1, deadline_ns, err))
        return false;
    memcpy(value, reading.value, sizeof reading.value);
    *found = reading.found;
    return true;
}

/* --- a change --- */

struct swap {
    const struct register_change *changes;
    size_t count;
    bool unsure; /* an earlier attempt may have been stored */
    bool swapped;
    bool settled; /* nothing more has to be tried */
};

static bool is_text(const char *now, const char *wanted)
{
    return now == NULL || wanted == NULL ? now == wanted : strcmp(now, wanted) == 0;
}

/* Whether all keys are as expected, or else (WISHED) as they shall be. */
static bool all_are(const struct swap *swap, const struct register_table *table, bool wished)
{
    for (size_t i = 0; i < swap->count; i++) {
        const struct register_change *change = &swap->changes[i];
        const char *now = register_table_get(table, change->key);
        if (!is_text(now, wished ? change->value : change->expected))
            return false;
    }
    return true;
}

static bool set_all(const struct register_store *store, const struct swap *swap,
                    struct register_table *table, struct err *err)
{
    bool good = register_table_set(table, "format", REGISTER_FORMAT) &&
                register_table_set(table, "cluster-id", store->cluster_id);
    for (size_t i = 0; i < swap->count && good; i++)
        good = register_table_set(table, swap->changes[i].key, swap->changes[i].value);
    if (good)
        return true;
    if (table->count == REGISTER_ENTRIES_MAX) {
        return err_set(err, ERR_CONFIG, "the register %s is full: it has %d keys",
                       store->description, REGISTER_ENTRIES_MAX);
    }
    return err_set(err, ERR_IO, "out of memory for the register %s", store->description);
}

/* One attempt. Not settled: it has to be read again, with false for the reason in ERR. */
static bool try_swap(struct register_store *store, struct register_table *table, struct swap *swap,
                     int64_t deadline_ns, struct err *err)
{
    enum register_outcome outcome = REGISTER_FAILED;
    swap->settled = true;
    if (!store->backend->begin(store->data, table, deadline_ns, err) || !check(store, table, err))
        return false;
    if (swap->unsure && all_are(swap, table, true)) {
        swap->swapped = true;
        return true;
    }
    if (!all_are(swap, table, false))
        return true;
    if (!set_all(store, swap, table, err))
        return false;
    bool good = store->backend->commit(store->data, table, &outcome, deadline_ns, err);
    swap->swapped = outcome == REGISTER_STORED;
    swap->unsure = swap->unsure || outcome == REGISTER_UNKNOWN;
    swap->settled = outcome == REGISTER_STORED || outcome == REGISTER_FAILED;
    return good;
}

bool register_swap_all(struct register_store *store, const struct register_change *changes,
                       size_t count, bool *swapped, struct register_reading *present,
                       int64_t deadline_ns, struct err *err)
{
    struct swap swap = {.changes = changes, .count = count};
    int64_t pause_ms = LOST_PAUSE_MIN_MS;
    for (size_t i = 0; i < count; i++) {
        ensure(register_key_is_valid(changes[i].key, strlen(changes[i].key)));
        ensure(is_value(changes[i].value));
        if (present != NULL)
            present[i] = (struct register_reading){.key = changes[i].key};
    }
    for (;;) {
        struct register_table table = {.entries = NULL};
        bool good = try_swap(store, &table, &swap, deadline_ns, err);
        store->backend->end(store->data);
        if (good && swap.settled && present != NULL)
            good = tell_all(store, &table, present, count, err);
        register_table_clear(&table);
        *swapped = swap.swapped;
        if (swap.settled)
            return good;
        if (!clock_pause(pause_ms, deadline_ns)) {
            return good &&
                   err_set(err, ERR_LATER, "the register %s is changed by others all the time",
                           store->description);
        }
        pause_ms = pause_ms * 2 < LOST_PAUSE_MAX_MS ? pause_ms * 2 : LOST_PAUSE_MAX_MS;
    }
}

bool register_swap(struct register_store *store, const char *key, const char *expected,
                   const char *value, bool *swapped, char *present, int64_t deadline_ns,
                   struct err *err)
{
    struct register_change change = {key, expected, value};
    struct register_reading reading;
    if (!register_swap_all(store, &change, 1, swapped, &reading, deadline_ns, err))
        return false;
    if (present != NULL)
        memcpy(present, reading.value, sizeof reading.value);
    return true;
}
