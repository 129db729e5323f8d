#include <stdio.h>
#include <string.h>

#include "init/command.h"
#include "init/postgres/form.h"
#include "init/postgres/start.h"
#include "init/redis/form.h"
#include "init/redis/start.h"

/* Facts, decision, reason and steps; changes nothing. */

static bool plan_init(const struct invocation *inv, int *status, struct err *err)
{
    struct start_result result;
    bool done = start_redis(inv->settings, true, false, inv->deadline_ns, &result, err);
    (void)fputs(buf_text(&result.report), stdout);
    buf_free(&result.report);
    *status = done && result.work ? 1 : 0;
    return done;
}

static bool plan_init_postgres(const struct invocation *inv, int *status, struct err *err)
{
    struct pg_start_result result;
    bool done = start_postgres(inv->settings, true, false, inv->deadline_ns, &result, err);
    (void)fputs(buf_text(&result.report), stdout);
    buf_free(&result.report);
    *status = done && result.work ? 1 : 0;
    return done;
}

static bool plan_form(const struct invocation *inv, int *status, struct err *err)
{
    struct form_look *look = NULL;
    struct buf out = buf_new((size_t)4 << 20);
    if (!form_open(&look, inv->settings, false, err))
        return false;
    bool done = form_see(look, true, 3000, inv->deadline_ns, err);
    if (done) {
        char text[512];
        form_report(look, &out);
        (void)fputs(buf_text(&out), stdout);
        form_sentence(look, text);
        *status = look->plan.count > 0 ? 1 : 0; /* steps, also where the rest must wait */
        if (look->plan.verdict == FORM_REFUSE)
            done = err_set(err, ERR_REFUSED, "%s", text);
        if (look->plan.verdict == FORM_WAIT && look->plan.count == 0)
            done = !form_is_denied(look, err) && err_set(err, ERR_LATER, "%s", text);
    }
    buf_free(&out);
    form_close(look);
    return done;
}

bool command_plan(const struct invocation *inv, int *status, struct err *err)
{
    const char *kind = inv->argc == 1 ? inv->argv[0] : "";
    *status = 0;
    bool postgres = strcmp(inv->engine, "postgres") == 0;
    if (strcmp(kind, "form") == 0 && postgres)
        return plan_form_postgres(inv->settings, inv->deadline_ns, status, err);
    if (strcmp(kind, "form") == 0)
        return plan_form(inv, status, err);
    if (strcmp(kind, "init") == 0)
        return postgres ? plan_init_postgres(inv, status, err) : plan_init(inv, status, err);
    return err_set(err, ERR_USAGE, "plan takes one of init, form");
}
