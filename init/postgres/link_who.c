#include <stdio.h>
#include <string.h>

#include "init/postgres/link.h"
#include "roles/ordinal.h"

void pg_link_ask_who(struct pg_link *link)
{
    link->asking = true;
    /* SQL, and a command of walsenders, too (PostgreSQL 10 and later) */
    link->who = pg_call_new(0, "SHOW cluster_name");
    pg_link_send(link, &link->who);
}

static void judge(struct pg_link *link)
{
    char why[256];
    const char *told = pg_call_value(&link->who, 0, 0);
    enum ordinal_kin kin = ordinal_kin_of(link->kept.target.pod_name, told);
    bool refused = kin == ORDINAL_SIBLING || (kin == ORDINAL_STRANGER && link->kept.target.shared);
    if (!refused) {
        pg_call_free(&link->who);
        link->asking = false;
        link->state = PG_LINK_OPEN;
        return;
    }
    if (kin == ORDINAL_SIBLING)
        (void)snprintf(why, sizeof why, "its name still leads to %.200s", told);
    else
        (void)snprintf(why, sizeof why,
                       "its name and another pod's lead to one address, and the server there does "
                       "not tell whose it is (cluster_name)");
    link->elsewhere = true;
    pg_link_lose(link, PG_SILENT, why);
}

void pg_link_hear_who(struct pg_link *link)
{
    enum pg_link_event event = PG_LINK_ROWS;
    pg_link_serve(link);
    while (event == PG_LINK_ROWS || event == PG_LINK_ERROR)
        event = pg_link_take(link, &link->who);
    if (event == PG_LINK_COPY)
        pg_link_lose(link, PG_BROKEN, "a COPY that nobody asked for");
    else if (event == PG_LINK_DONE && link->who.answer == PG_ROWS)
        judge(link);
    else if (event == PG_LINK_DONE) {
        memcpy(link->sqlstate, link->who.sqlstate, sizeof link->sqlstate);
        pg_link_lose(link, link->who.answer, link->who.message);
    }
}
