#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/command.h"
#include "init/redis/status.h"

#define LOOK_MS 2000

/* NO_COLOR (no-color.org) and a dumb terminal count where nothing is asked for. */
static bool wants_color(enum color_mode mode)
{
    if (mode != COLOR_AUTO)
        return mode == COLOR_ALWAYS;
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    bool dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
    return isatty(STDOUT_FILENO) == 1 && (no_color == NULL || *no_color == '\0') && !dumb;
}

bool command_status(const struct invocation *inv, int *status, struct err *err)
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
            status_draw(look, &rows, wants_color(inv->settings->color), &out);
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
