#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/color.h"
#include "init/command.h"
#include "init/postgres/status.h"
#include "init/redis/status.h"

#define LOOK_MS 2000

static bool status_redis(const struct invocation *inv, int *status, struct err *err)
{
    struct form_look *look = NULL;
    struct status_rows rows = {0};
    struct buf out = buf_new((size_t)8 << 20);
    if (!form_open(&look, inv->settings, false, err))
        return false;
    bool done = form_see(look, true, LOOK_MS, inv->deadline_ns, err);
    if (done && !status_collect(look, &rows))
        done = err_set(err, ERR_IO, "out of memory");
    if (done) {
        if (inv->settings->output != OUTPUT_JSON)
            status_draw(look, &rows, color_is_wanted(inv->settings->color), &out);
        else if (!status_write_json(look, &rows, &out))
            done = err_set(err, ERR_IO, "out of memory");
        (void)fputs(buf_text(&out), stdout);
        *status = look->plan.verdict == FORM_CONVERGED ? 0 : 1;
        done = done && !form_is_denied(look, err);
    }
    free(rows.rows);
    buf_free(&out);
    form_close(look);
    return done;
}

static bool status_postgres_set(const struct invocation *inv, int *status, struct err *err)
{
    struct pg_status look;
    struct buf out = buf_new((size_t)8 << 20);
    bool done = pg_status_open(&look, inv->settings, err) &&
                pg_status_see(&look, LOOK_MS, inv->deadline_ns, err);
    if (done) {
        if (inv->settings->output != OUTPUT_JSON)
            pg_status_draw(&look, color_is_wanted(inv->settings->color), &out);
        else if (!pg_status_write_json(&look, &out))
            done = err_set(err, ERR_IO, "out of memory");
        (void)fputs(buf_text(&out), stdout);
        *status = look.healthy ? 0 : 1;
    }
    buf_free(&out);
    pg_status_close(&look);
    return done;
}

bool command_status(const struct invocation *inv, int *status, struct err *err)
{
    return strcmp(inv->engine, "postgres") == 0 ? status_postgres_set(inv, status, err)
                                                : status_redis(inv, status, err);
}
