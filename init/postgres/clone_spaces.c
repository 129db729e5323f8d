#include "init/postgres/clone_spaces.h"

#include <stdio.h>
#include <string.h>

#include "roles/text.h"

#define MAPPING_SETTING "--tablespace-mapping OLD=NEW (ORDAIN_PG_TABLESPACE_MAPPING)"

/* Where MAPPING puts LOCATION. */
static bool find_target(const char *mapping, const char *location, char target[], size_t size)
{
    struct span rest = {mapping, strlen(mapping)};
    while (rest.data != NULL && rest.len > 0) {
        struct span to = {0};
        struct span pair = text_cut(rest, ',', &rest);
        struct span from = text_cut(pair, '=', &to);
        if (text_is(from, location) && to.data != NULL && text_starts(to, "/"))
            return text_copy(to, target, size);
    }
    return false;
}

static bool read_row(struct clone_space *space, const struct pg_call *call, size_t row,
                     const char *mapping, struct err *err)
{
    const char *oid = pg_call_value(call, row, 0), *location = pg_call_value(call, row, 1);
    const char *size = pg_call_value(call, row, 2);
    uint64_t kilobytes = 0, number;
    bool main = pg_call_is_null(call, row, 0);
    *space = (struct clone_space){.directory = -1};
    if ((!main && !text_u64((struct span){oid, strlen(oid)}, &number)) ||
        !text_u64((struct span){size, strlen(size)}, &kilobytes) || kilobytes > UINT64_MAX / 2048 ||
        (size_t)snprintf(space->oid, sizeof(space->oid), "%s", oid) >= sizeof(space->oid) ||
        (size_t)snprintf(space->location, sizeof(space->location), "%s", location) >=
            sizeof(space->location))
        return err_set(err, ERR_LATER, "the upstream's list of tablespaces cannot be read");
    space->bytes = kilobytes * 1024;
    if (main || find_target(mapping, location, space->target, sizeof(space->target)))
        return true;
    return err_set(err, ERR_CONFIG,
                   "the upstream has a tablespace at '%s'; say where it is to be here, on a volume "
                   "of its own or "
                   "beside PGDATA: " MAPPING_SETTING,
                   location);
}

bool clone_spaces_read(struct clone_spaces *spaces, const struct pg_call *call, const char *mapping,
                       struct err *err)
{
    size_t mains = 0;
    spaces->count = 0;
    spaces->bytes = 0;
    if (call->rows.count > CLONE_SPACES_MAX)
        return err_set(err, ERR_CONFIG, "the upstream has more than %d tablespaces",
                       CLONE_SPACES_MAX - 1);
    for (size_t row = 0; row < call->rows.count; row++) {
        struct clone_space *space = &spaces->list[spaces->count];
        if (!read_row(space, call, row, mapping, err))
            return false;
        spaces->count++;
        spaces->bytes += space->bytes;
        mains += *space->oid == '\0';
    }
    return mains == 1 ||
           err_set(err, ERR_LATER, "the upstream's list of tablespaces lacks the data directory");
}

const struct clone_space *clone_spaces_find(const struct clone_spaces *spaces, const char *oid)
{
    for (size_t i = 0; i < spaces->count; i++)
        if (strcmp(spaces->list[i].oid, oid) == 0)
            return &spaces->list[i];
    return NULL;
}
