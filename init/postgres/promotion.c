#include "init/postgres/promotion.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/reserved_history.h"
#include "init/sys/buf.h"
#include "init/sys/log.h"
#include "roles/lsn.h"
#include "roles/postgres_promote.h"
#include "roles/text.h"

/* Where the WAL of every cluster begins: before all that was replayed. */
#define BEGINNING "0/1000000"

struct promotion {
    struct pg_client *client;
    int server;
    const char *who;
    int64_t deadline_ns;
    uint32_t own;
    char data_directory[4096];
};

static bool ask(const struct promotion *promotion, struct pg_call *call, const char *command,
                struct err *err)
{
    *call = pg_call_new(promotion->server, command);
    return pg_client_run(promotion->client, call, 1, promotion->who, promotion->deadline_ns, err);
}

/* Its own timeline is the later one of what its control file says. *standby false: there is nothing to do. */
static bool look(struct promotion *promotion, bool *standby, struct err *err)
{
    static const char question[] = "SELECT pg_is_in_recovery(), current_setting('data_directory'), "
                                   "greatest((SELECT timeline_id FROM pg_control_checkpoint()), "
                                   "(SELECT min_recovery_end_timeline FROM pg_control_recovery()))";
    struct pg_call call;
    uint64_t own = 0;
    bool done = ask(promotion, &call, question, err);
    if (done) {
        const char *text = pg_call_value(&call, 0, 2);
        *standby = strcmp(pg_call_value(&call, 0, 0), "t") == 0;
        (void)snprintf(promotion->data_directory, sizeof promotion->data_directory, "%s",
                       pg_call_value(&call, 0, 1));
        if (!text_u64((struct span){text, strlen(text)}, &own) || own == 0 || own > UINT32_MAX)
            done = err_set(err, ERR_LATER, "%s does not tell its timeline", promotion->who);
        promotion->own = (uint32_t)own;
    }
    pg_call_free(&call);
    return done;
}

/* COPY's text format of three columns is a line of a history: numbers and words with tabs between them. The
 * ancestor is before NUMBER in any case: a server dies of a history that says otherwise. */
static bool reserve(const struct promotion *promotion, uint32_t number, struct err *err)
{
    struct pg_call call;
    char path[4200];
    char name[LSN_HISTORY_NAME_MAX];
    struct buf command = buf_new((size_t)16 * 1024);
    lsn_history_name(number, name);
    (void)snprintf(path, sizeof path, "%s/pg_wal/%s", promotion->data_directory, name);
    char *quoted = pg_client_literal(promotion->client, promotion->server, path);
    if (quoted != NULL)
        buf_printf(&command,
                   "COPY (SELECT %" PRIu32 ", '" BEGINNING "', '" RESERVED_HISTORY "') TO %s",
                   number - 1, quoted);
    free(quoted);
    bool done = command.len > 0 ? ask(promotion, &call, buf_text(&command), err)
                                : err_set(err, ERR_IO, "out of memory");
    if (command.len > 0)
        pg_call_free(&call);
    buf_free(&command);
    return done;
}

/* The numbers of other timelines from 2 to LAST that have no history here. */
static bool ask_missing(const struct promotion *promotion, uint32_t last, struct pg_call *call,
                        struct err *err)
{
    char command[256];
    (void)snprintf(command, sizeof command,
                   "SELECT n FROM generate_series(2, %" PRIu32 ") n WHERE n <> %" PRIu32
                   " AND NOT EXISTS (SELECT FROM pg_ls_waldir() WHERE name = "
                   "upper(lpad(to_hex(n), 8, '0')) || '.history')",
                   last, promotion->own);
    return ask(promotion, call, command, err);
}

static bool reserve_all(const struct promotion *promotion, uint32_t recorded, struct err *err)
{
    if (recorded > promotion->own && recorded - promotion->own > PG_PROMOTE_NUMBERS_MAX) {
        return err_set(err, ERR_REFUSED,
                       "%s is on timeline %" PRIu32 " and the register says %" PRIu32
                       ": that many promotions were not missed, the register is wrong",
                       promotion->who, promotion->own, recorded);
    }
    struct pg_call call;
    uint32_t last = recorded > promotion->own ? recorded - 1 : promotion->own;
    bool done = ask_missing(promotion, last, &call, err);
    for (size_t i = 0; done && i < call.rows.count; i++) {
        const char *text = pg_call_value(&call, i, 0);
        uint64_t number = 0;
        if (text_u64((struct span){text, strlen(text)}, &number))
            done = reserve(promotion, (uint32_t)number, err);
    }
    pg_call_free(&call);
    return done;
}

bool promotion_run(struct pg_client *client, int server, const char *who, uint32_t recorded,
                   int wait_s, int64_t deadline_ns, struct err *err)
{
    struct promotion promotion = {
        .client = client, .server = server, .who = who, .deadline_ns = deadline_ns};
    struct pg_call call;
    char command[64];
    bool standby = true;
    if (!look(&promotion, &standby, err))
        return false;
    if (!standby)
        return true;
    if (!reserve_all(&promotion, recorded, err))
        return false;
    (void)snprintf(command, sizeof command, "SELECT pg_promote(%s, %d)",
                   wait_s > 0 ? "true" : "false", wait_s > 0 ? wait_s : 1);
    bool done = ask(&promotion, &call, command, err);
    if (done && wait_s > 0 && strcmp(pg_call_value(&call, 0, 0), "t") != 0)
        done = err_set(err, ERR_LATER, "%s was told, and is not promoted after %d s", who, wait_s);
    pg_call_free(&call);
    return done;
}
