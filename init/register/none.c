#include "init/register/backend.h"

static bool load(void *data, struct register_table *table, int64_t deadline_ns, struct err *err)
{
    (void)data;
    (void)table;
    (void)deadline_ns;
    (void)err;
    return true;
}

static bool begin(void *data, struct register_table *table, int64_t deadline_ns, struct err *err)
{
    (void)data;
    (void)table;
    (void)deadline_ns;
    return err_set(err, ERR_REFUSED,
                   "nothing can be recorded without a register: set ORDAIN_REGISTER to kubernetes "
                   "or file:PATH");
}

static bool commit(void *data, const struct register_table *table, enum register_outcome *outcome,
                   int64_t deadline_ns, struct err *err)
{
    (void)table;
    *outcome = REGISTER_FAILED;
    return begin(data, NULL, deadline_ns, err);
}

static void nothing(void *data)
{
    (void)data;
}

const struct register_backend register_none = {
    .kind = REGISTER_NONE,
    .load = load,
    .begin = begin,
    .commit = commit,
    .end = nothing,
    .close = nothing,
};
