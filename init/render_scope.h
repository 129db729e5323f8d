#ifndef INIT_RENDER_SCOPE_H
#define INIT_RENDER_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "init/render.h"
#include "init/sys/buf.h"
#include "templates/template.h"

#define RENDER_FACTS_MAX 32

/* The names that templates know: ordain's facts, those of the loop's peer, the environment. */
struct render_scope {
    const struct render_facts *facts;
    struct {
        const char *name; /* "POD_IP"; "pod_ip" is the same */
        const char *value;
    } known[RENDER_FACTS_MAX];
    size_t known_count;
    char host_name[IDENTITY_NAME_MAX];
    char numbers[8][24];
    size_t number_count;
    char password_sha256[65];
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

#endif
