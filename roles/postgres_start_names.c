#include "roles/postgres_start.h"

const char *postgres_start_action_name(enum pg_action action)
{
    static const char *const names[PG_ACTIONS] = {
        [PG_INITDB] = "initdb",
        [PG_START_PRIMARY] = "start as primary",
        [PG_START_STANDBY] = "start as standby",
        [PG_FINISH_PROMOTION] = "finish the promotion",
        [PG_BECOME_STANDBY] = "become a standby",
        [PG_CLONE] = "clone",
        [PG_CLONE_KEEP] = "clone, keep the old directory",
        [PG_CLONE_DISCARD] = "clone, discard the old directory",
        [PG_REWIND] = "rewind",
        [PG_ADOPT] = "adopt",
        [PG_WAIT] = "wait",
        [PG_REFUSE] = "refuse",
    };
    return names[action];
}

const char *postgres_start_role(enum pg_action action)
{
    switch (action) {
    case PG_INITDB:
    case PG_START_PRIMARY:
    case PG_ADOPT:
        return "primary";
    case PG_START_STANDBY:
    case PG_FINISH_PROMOTION:
    case PG_BECOME_STANDBY:
    case PG_CLONE:
    case PG_CLONE_KEEP:
    case PG_CLONE_DISCARD:
    case PG_REWIND:
        return "standby";
    case PG_WAIT:
    case PG_REFUSE:
    case PG_ACTIONS:
        break;
    }
    return "";
}
