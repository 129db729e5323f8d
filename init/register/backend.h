#ifndef INIT_REGISTER_BACKEND_H
#define INIT_REGISTER_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "init/register/register.h"
#include "init/register/table.h"

enum register_outcome {
    REGISTER_STORED,
    REGISTER_OUTRUN,  /* somebody was quicker, nothing was stored: begin anew */
    REGISTER_UNKNOWN, /* with a failure: stored or not, only what the next begin reads can tell */
    REGISTER_FAILED,  /* with a failure: not stored */
};

/*
 * What a backend of the register can do; register.c does the rest. DATA is the backend's own. A
 * change is begin, then commit once at most, then end, whatever the others answered.
 */
struct register_backend {
    enum register_kind kind;
    /* Reads all into TABLE, which is empty before; empty stays what does not exist yet. */
    bool (*load)(void *data, struct register_table *table, int64_t deadline_ns, struct err *err);
    /* As load, for a change: what is read stays as it is until end, or commit tells. */
    bool (*begin)(void *data, struct register_table *table, int64_t deadline_ns, struct err *err);
    /* Stores TABLE in place of what begin read, all of it or nothing. */
    bool (*commit)(void *data, const struct register_table *table, enum register_outcome *outcome,
                   int64_t deadline_ns, struct err *err);
    void (*end)(void *data);
    void (*close)(void *data);
};

extern const struct register_backend register_none;

/* The register STATEFULSET-ordain in the directory PATH. *data is closed by register_file.close. */
bool register_file_open(void **data, const char *path, const char *statefulset, struct err *err);
extern const struct register_backend register_file;

/* The ConfigMap STATEFULSET-ordain in the namespace SPACE. *data is closed by register_kubernetes.close.
 * Opens no connection yet. */
bool register_kubernetes_open(void **data, const char *statefulset, const char *space,
                              struct err *err);
extern const struct register_backend register_kubernetes;

#endif
