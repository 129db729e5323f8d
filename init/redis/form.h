#ifndef INIT_REDIS_FORM_H
#define INIT_REDIS_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "init/redis/observe.h"
#include "init/register/register.h"
#include "init/sys/buf.h"
#include "roles/redis_form.h"

/* What `form`, `plan form` and a failing readiness probe share: look, decide, apply. */

/* One look and the plan that follows from it. */
struct form_look {
    struct observer observer;
    struct form_wish wish;
    struct form_plan plan;
    struct register_store *store; /* NULL for a probe */
    char (*seeded)[REDIS_ID_LEN +
                   1];       /* one a pod of the birth: its id then, by the register, or "" */
    struct err register_err; /* why the register could not be read, last */
    bool births_known;       /* the register was read: servers of a birth by form chose their ids */
};

/* NEED_POD as for identity_read; only a probe needs one, and a probe leaves the register alone. *look is large: on the heap, closed by form_close. */
bool form_open(struct form_look **look, const struct settings *settings, bool need_pod,
               struct err *err);
void form_close(struct form_look *look);

/* Looks (see observer_look) and decides. */
bool form_see(struct form_look *look, bool fresh_names, int64_t patience_ms, int64_t deadline_ns,
              struct err *err);

/* The plan's sentence with the pod that it is about. */
void form_sentence(const struct form_look *look, char text[static 512]);

/* The first pod that refuses our user or password, as ERR_DENIED into ERR; false when none does. */
bool form_is_denied(const struct form_look *look, struct err *err);

/* Facts, verdict, reason and steps, as `ordain plan form` shows them. */
void form_report(const struct form_look *look, struct buf *out);

/* Forms or mends until every server of the cluster agrees, or the deadline. *worked: something was
 * done. ERR_REFUSED, ERR_LATER and ERR_DENIED with the plan's sentence. */
bool form_redis(const struct settings *settings, int64_t deadline_ns, bool *worked,
                struct err *err);

#endif
