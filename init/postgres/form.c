#include "init/postgres/form.h"

#include "init/command.h"

/* Being built: the commands that change a running set. */

bool form_postgres(const struct settings *settings, int64_t deadline_ns, bool *worked,
                   struct err *err)
{
    (void)settings;
    (void)deadline_ns;
    (void)worked;
    return err_set(err, ERR_USAGE, "this build has no `form postgres` yet");
}

bool plan_form_postgres(const struct settings *settings, int64_t deadline_ns, int *status,
                        struct err *err)
{
    (void)settings;
    (void)deadline_ns;
    (void)status;
    return err_set(err, ERR_USAGE, "this build has no `plan form postgres` yet");
}

bool command_promote(const struct invocation *inv, int *status, struct err *err)
{
    (void)inv;
    (void)status;
    return err_set(err, ERR_USAGE, "this build has no `promote postgres` yet");
}
