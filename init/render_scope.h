#ifndef INIT_RENDER_SCOPE_H
#define INIT_RENDER_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "init/render.h"
#include "init/sys/buf.h"
#include "templates/template.h"

#define RENDER_FACTS_MAX 48

/* The names that templates know: ordain's facts, those of the loop's peer, the environment. */
struct render_scope {
    const struct render_facts *facts;
    struct {
        const char *name; /* "POD_IP"; "pod_ip" is the same */
        const char *value;
    } known[RENDER_FACTS_MAX];
    size_t known_count;
    char host_name[IDENTITY_NAME_MAX];
    char numbers[16][24];
    size_t number_count;
    char password_sha256[65];
    char primary_host[IDENTITY_NAME_MAX]; /* of Postgres, as all below */
    char slot_name[32];
    char wal_keep[32];
    struct buf replication; /* lines of pg_hba.conf */
    struct buf conninfo;    /* primary_conninfo */
    char extra_conf[4096];
    char peer_ordinal[24];
    struct buf password;
};

/* Gathers the facts, the password included. EXTRA: the templates include an extra.conf. Fails where
 * the password's file cannot be read. Close it in any case. */
bool render_scope_open(struct render_scope *scope, const struct render_facts *facts, bool extra,
                       struct err *err);
void render_scope_close(struct render_scope *scope);

/* The value of a fact by its upper-case name, NULL where it is not known. */
const char *render_scope_fact(const struct render_scope *scope, const char *name);

/* The scope as the renderer asks it. */
struct template_scope render_scope_template(struct render_scope *scope);

/* For render_scope*.c alone: a fact, "" : not known. VALUE must outlive the scope. */
void render_scope_know(struct render_scope *scope, const char *name, const char *value);
void render_scope_know_number(struct render_scope *scope, const char *name, long long value);
/* PASSWORD, from FILE where it is not "", and *scope's copy of it. */
bool render_scope_know_password(struct render_scope *scope, const char *file, const char *value,
                                struct err *err);
/* What the templates of Postgres know. */
bool render_scope_know_postgres(struct render_scope *scope, struct err *err);

#endif
