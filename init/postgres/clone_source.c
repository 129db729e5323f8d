#include <stdio.h>
#include <string.h>

#include "init/postgres/clone_internal.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/lsn.h"

#define OLDEST_VERSION 130000
#define ANSWER_MS 30000
#define BEFORE_CHECKPOINT 10

/* One command with one answer. */
static bool ask(struct clone *clone, const char *command)
{
    pg_call_free(&clone->call);
    clone->call = pg_call_new(clone->server, command);
    int64_t deadline_ns = clock_deadline_ns(ANSWER_MS);
    pg_client_round(clone->client, &clone->call, 1, deadline_ns, deadline_ns);
    clone_staging_beat(clone);
    return clone->call.answer == PG_ROWS;
}

static bool told(const struct clone *clone, struct err *err)
{
    return pg_call_err(&clone->call, clone->request->upstream_name, err);
}

static bool has_state(const struct clone *clone, const char *sqlstate)
{
    return strcmp(clone->call.sqlstate, sqlstate) == 0;
}

static struct span value(const struct clone *clone, size_t column)
{
    const char *text = pg_call_value(&clone->call, 0, column);
    return (struct span){text, strlen(text)};
}

static bool check_version(const struct clone *clone, struct err *err)
{
    const struct clone_request *request = clone->request;
    int version = clone->result->server_version, major = version / 10000;
    if (version < OLDEST_VERSION)
        return err_set(err, ERR_CONFIG, "%s is PostgreSQL %d; 13 or later can be cloned",
                       request->upstream_name, major);
    return request->major == 0 || request->major == major ||
           err_set(
               err, ERR_CONFIG,
               "%s is PostgreSQL %d and the server here %d: a standby needs the same major version",
               request->upstream_name, major, request->major);
}

/* IDENTIFY_SYSTEM: systemid, timeline, xlogpos, dbname (PostgreSQL 17 docs, 53.4). */
static bool identify(struct clone *clone, struct err *err)
{
    const struct clone_request *request = clone->request;
    struct clone_result *result = clone->result;
    uint64_t timeline = 0;
    if (!ask(clone, "IDENTIFY_SYSTEM"))
        return told(clone, err);
    if (!text_u64(value(clone, 0), &result->system_identifier) ||
        !text_u64(value(clone, 1), &timeline) || timeline == 0 || timeline > UINT32_MAX)
        return err_set(err, ERR_LATER, "%s does not tell who it is", request->upstream_name);
    result->timeline = (uint32_t)timeline;
    result->server_version = pg_client_version(clone->client, clone->server);
    if (request->system_identifier != 0 && result->system_identifier != request->system_identifier)
        return err_set(err, ERR_REFUSED,
                       "%s has the system identifier %llu, not %llu: it is of another cluster",
                       request->upstream_name, (unsigned long long)result->system_identifier,
                       (unsigned long long)request->system_identifier);
    if (result->timeline < request->least_timeline)
        return err_set(err, ERR_LATER, "%s is on timeline %u, behind the cluster's %u",
                       request->upstream_name, result->timeline, request->least_timeline);
    return check_version(clone, err);
}

/* A slot of an earlier life holds WAL from an earlier place or has lost it; nobody streams from it, for the one
 * who would has no data. So it is made anew. */
static bool make_slot(struct clone *clone, struct err *err)
{
    const char *slot = clone->request->slot;
    char command[160];
    if (strspn(slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(slot) || *slot == '\0' ||
        strlen(slot) > 63)
        return err_set(err, ERR_CONFIG, "'%s' is no name for a replication slot", slot);
    (void)snprintf(command, sizeof(command), "DROP_REPLICATION_SLOT %s", slot);
    bool gone = ask(clone, command) || has_state(clone, "42704"); /* undefined_object */
    if (has_state(clone, "55006"))                                /* object_in_use */
        return err_set(err, ERR_LATER,
                       "the slot '%s' of %s is in use: another server streams from it", slot,
                       clone->request->upstream_name);
    if (!gone)
        return told(clone, err);
    (void)snprintf(command, sizeof(command), "CREATE_REPLICATION_SLOT %s PHYSICAL RESERVE_WAL",
                   slot);
    return ask(clone, command) || told(clone, err);
}

bool clone_source_open(struct clone *clone, struct err *err)
{
    if (!pg_client_open(&clone->client, err))
        return false;
    clone->server = pg_client_server(clone->client, &clone->request->upstream);
    if (clone->server < 0)
        return err_set(err, ERR_IO, "out of memory");
    if (!identify(clone, err))
        return false;
    if (!ask(clone, "SHOW data_directory_mode"))
        return told(clone, err);
    clone->group = text_is(value(clone, 0), "0750");
    return make_slot(clone, err);
}

enum pg_stream_part clone_source_next(struct clone *clone, struct pg_piece *piece, int64_t limit_ms,
                                      struct err *err)
{
    enum pg_stream_part part;
    while ((part = pg_stream_next(clone->client, clone->server, &clone->call, piece,
                                  clock_deadline_ns(1000))) == PG_STREAM_WAITING) {
        clone_staging_beat(clone);
        if (clock_now_ns() - clone->heard_ns < limit_ms * CLOCK_MS)
            continue;
        pg_client_hang_up(clone->client, clone->server);
        (void)err_set(err, ERR_LATER, "%s: not a byte of the backup for %lld s",
                      clone->request->upstream_name, (long long)(limit_ms / 1000));
        return PG_STREAM_FAILED;
    }
    clone->heard_ns = clock_now_ns();
    clone_staging_beat(clone);
    if (part != PG_STREAM_FAILED)
        return part;
    (void)told(clone, err);
    if (has_state(clone,
                  "XX001")) { /* data_corrupted: the server verifies its pages as it sends them */
        (void)err_wrap(err, "the upstream's own data is damaged; its log names the pages");
        err->kind = ERR_REFUSED;
    }
    return part;
}

/* Where the backup starts or ends, in the call's row: recptr, tli. */
static bool read_position(const struct clone *clone, uint64_t *lsn, struct err *err)
{
    uint64_t timeline = 0;
    if (!lsn_parse(value(clone, 0), lsn) || !text_u64(value(clone, 1), &timeline))
        return err_set(err, ERR_LATER, "%s does not tell where its backup is",
                       clone->request->upstream_name);
    return timeline == clone->result->timeline ||
           err_set(err, ERR_LATER, "%s was promoted meanwhile", clone->request->upstream_name);
}

/* The next part, which must be PART. */
static bool expect(struct clone *clone, enum pg_stream_part part, int64_t limit_ms, struct err *err)
{
    struct pg_piece piece = {0};
    enum pg_stream_part came = clone_source_next(clone, &piece, limit_ms, err);
    return came == part ||
           (came != PG_STREAM_FAILED &&
            err_set(err, ERR_LATER, "%s does not answer as a server answers BASE_BACKUP",
                    clone->request->upstream_name));
}

/* PostgreSQL 17 docs, 53.4 BASE_BACKUP; 13 and 14 have the older form of the same docs. The checkpoint is asked for
 * at once: a spread one takes minutes. */
static void write_command(const struct clone *clone, char *command, size_t size)
{
    static const char *const packed[] = {[COMPRESSION_NONE] = "",
                                         [COMPRESSION_LZ4] = ", COMPRESSION 'lz4'",
                                         [COMPRESSION_ZSTD] =
                                             ", COMPRESSION 'zstd', COMPRESSION_DETAIL '1'"};
    bool listed = clone->result->server_version >= 150000;
    char rate[40] = "";
    if (clone->request->max_rate_kb > 0)
        (void)snprintf(rate, sizeof(rate), listed ? ", MAX_RATE %d" : " MAX_RATE %d",
                       clone->request->max_rate_kb);
    if (listed)
        (void)snprintf(command, size,
                       "BASE_BACKUP (LABEL 'ordain', PROGRESS, CHECKPOINT 'fast', WAIT 0, WAL 0, "
                       "MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C', TARGET 'client'%s%s)",
                       packed[clone->compression], rate);
    else
        (void)snprintf(command, size,
                       "BASE_BACKUP LABEL 'ordain' PROGRESS FAST NOWAIT%s MANIFEST 'yes' "
                       "MANIFEST_CHECKSUMS 'CRC32C'",
                       rate);
}

static bool begin(struct clone *clone, struct err *err)
{
    char command[512];
    write_command(clone, command, sizeof(command));
    clone->heard_ns = clock_now_ns();
    if (!pg_stream_begin(clone->client, clone->server, command, &clone->call,
                         clock_deadline_ns(ANSWER_MS)))
        return told(clone, err);
    return expect(clone, PG_STREAM_ROWS, clone->request->silence_ms * BEFORE_CHECKPOINT, err) &&
           read_position(clone, &clone->result->start_lsn, err);
}

static enum compression wanted(const struct clone *clone)
{
    if (clone->result->server_version < 150000 || clone->request->compression == CLONE_NONE)
        return COMPRESSION_NONE;
    return clone->request->compression == CLONE_ZSTD ? COMPRESSION_ZSTD : COMPRESSION_LZ4;
}

/* A server that was built without it says so before anything else. */
static bool lacks_compression(const struct clone *clone)
{
    return clone->compression != COMPRESSION_NONE && clone->call.answer == PG_ERROR &&
           (has_state(clone, "42601") || has_state(clone, "0A000") || has_state(clone, "22023"));
}

/* Who asked for a method learns that it was not had. */
static void tell_lack(const struct clone *clone)
{
    static const char *const sentence = "the clone goes on without compression";
    const struct clone_request *request = clone->request;
    if (request->compression == CLONE_AUTO)
        log_debug("%s: %s; %s", request->upstream_name, clone->call.message, sentence);
    else
        log_warn("%s: %s; %s", request->upstream_name, clone->call.message, sentence);
}

bool clone_source_begin(struct clone *clone, struct err *err)
{
    clone->compression = wanted(clone);
    bool done = begin(clone, err);
    if (!done && lacks_compression(clone)) {
        tell_lack(clone);
        clone->compression = COMPRESSION_NONE;
        done = begin(clone, err);
    }
    if (!done)
        return false;
    clone->result->compression = clone->compression;
    if (!expect(clone, PG_STREAM_ROWS, clone->request->silence_ms, err))
        return false;
    return clone_spaces_read(&clone->spaces, &clone->call, clone->request->tablespace_mapping, err);
}

/* READ_REPLICATION_SLOT (15 and later): slot_type, restart_lsn, restart_tli; NULLs without a slot, and restart_lsn NULL
 * once max_slot_wal_keep_size took its WAL (walsender.c ReadReplicationSlot). Before 15 the standby
 * finds out. */
static bool check_slot(struct clone *clone, struct err *err)
{
    char command[160];
    uint64_t held = 0;
    if (clone->result->server_version < 150000)
        return true;
    (void)snprintf(command, sizeof(command), "READ_REPLICATION_SLOT %s", clone->request->slot);
    if (!ask(clone, command))
        return told(clone, err);
    return (lsn_parse(value(clone, 1), &held) && held <= clone->result->start_lsn) ||
           err_set(err, ERR_LATER,
                   "the slot '%s' of %s was lost while the clone ran, and with it WAL that the "
                   "clone needs: "
                   "max_slot_wal_keep_size may be too small",
                   clone->request->slot, clone->request->upstream_name);
}

bool clone_source_end(struct clone *clone, struct err *err)
{
    return read_position(clone, &clone->result->end_lsn, err) &&
           expect(clone, PG_STREAM_ROWS, clone->request->silence_ms,
                  err) && /* the command's own end */
           expect(clone, PG_STREAM_END, clone->request->silence_ms, err) &&
           check_slot(clone, err);
}
