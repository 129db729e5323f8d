#include "init/register/register.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/register/backend.h"
#include "init/sys/bug.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

#define TOKEN "/var/run/secrets/kubernetes.io/serviceaccount/token"
#define LOST_PAUSE_MS 50
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

static bool open_backend(struct register_store *store, const char *name, const char *statefulset,
                         const char *namespace_name, struct err *err)
{
    (void)namespace_name; /* of the ConfigMap */
    if (name[0] == '\0' && access(TOKEN, F_OK) == 0)
        log_warn("this build has no Kubernetes register yet: going on with ORDAIN_REGISTER=none");
    if (name[0] == '\0' || strcmp(name, "none") == 0) {
        store->backend = &register_none;
        (void)snprintf(store->description, sizeof store->description, "none");
        return true;
    }
    if (strcmp(name, "kubernetes") == 0) {
        return err_set(
            err, ERR_CONFIG,
            "this build has no Kubernetes register yet: set ORDAIN_REGISTER to file:PATH "
            "or none");
    }
    if (strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX)) != 0) {
        return err_set(err, ERR_CONFIG,
                       "ORDAIN_REGISTER '%s' is none of 'kubernetes', 'none' and 'file:PATH'",
                       name);
    }
    const char *path = name + strlen(FILE_PREFIX);
    if (path[0] == '\0')
        return err_set(err, ERR_CONFIG, "ORDAIN_REGISTER '%s' names no directory", name);
    if (statefulset[0] == '\0' || strchr(statefulset, '/') != NULL) {
        return err_set(err, ERR_CONFIG,
                       "the register needs the StatefulSet's name: set "
                       "ORDAIN_STATEFULSET");
    }
    store->backend = &register_file;
    (void)snprintf(store->description, sizeof store->description, FILE_PREFIX "%s/%s-ordain", path,
                   statefulset);
    return register_file_open(&store->data, path, statefulset, err);
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

/* The value of KEY in OUT (may be NULL), "" when it is not there, as *found (may be NULL) tells. */
static bool tell(const struct register_store *store, const struct register_table *table,
                 const char *key, char *out, bool *found, struct err *err)
{
    const char *value = register_table_get(table, key);
    size_t len = value != NULL ? strlen(value) : 0;
    if (len >= REGISTER_VALUE_MAX) {
        return err_set(err, ERR_CONFIG, "the register %s is damaged: '%s' has %zu bytes",
                       store->description, key, len);
    }
    if (out != NULL)
        memcpy(out, value != NULL ? value : "", len + 1);
    if (found != NULL)
        *found = value != NULL;
    return true;
}

bool register_get(struct register_store *store, const char *key,
                  char value[static REGISTER_VALUE_MAX], bool *found, int64_t deadline_ns,
                  struct err *err)
{
    struct register_table table = {.entries = NULL};
    bool good = store->backend->load(store->data, &table, deadline_ns, err) &&
                check(store, &table, err) && tell(store, &table, key, value, found, err);
    register_table_clear(&table);
    return good;
}

/* One attempt. *settled false: somebody was quicker with another key. */
static bool try_swap(struct register_store *store, struct register_table *table, const char *key,
                     const char *expected, const char *value, bool *swapped, bool *settled,
                     int64_t deadline_ns, struct err *err)
{
    *swapped = false;
    *settled = true;
    if (!store->backend->begin(store->data, table, deadline_ns, err) || !check(store, table, err))
        return false;
    const char *now = register_table_get(table, key);
    if (expected == NULL ? now != NULL : now == NULL || strcmp(now, expected) != 0)
        return true;
    if (!register_table_set(table, "format", REGISTER_FORMAT) ||
        !register_table_set(table, "cluster-id", store->cluster_id) ||
        !register_table_set(table, key, value))
        return err_set(err, ERR_IO, "out of memory for the register %s", store->description);
    if (!store->backend->commit(store->data, table, settled, deadline_ns, err))
        return false;
    *swapped = *settled;
    return true;
}

bool register_swap(struct register_store *store, const char *key, const char *expected,
                   const char *value, bool *swapped, char *present, int64_t deadline_ns,
                   struct err *err)
{
    ensure(register_key_is_valid(key, strlen(key)) && is_value(value));
    for (;;) {
        struct register_table table = {.entries = NULL};
        bool settled;
        bool good =
            try_swap(store, &table, key, expected, value, swapped, &settled, deadline_ns, err);
        store->backend->end(store->data);
        if (good && settled && !*swapped)
            good = tell(store, &table, key, present, NULL, err);
        register_table_clear(&table);
        if (!good || settled)
            return good;
        if (!clock_pause(LOST_PAUSE_MS, deadline_ns)) {
            return err_set(err, ERR_LATER, "the register %s is changed by others all the time",
                           store->description);
        }
    }
}
