#include "init/postgres/wal_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "init/sys/clock.h"
#include "init/sys/file.h"
#include "roles/lsn.h"

#define TIMELINES_MAX 64

struct reader {
    const struct wal_files_query *query;
    DIR *dir;
    uint32_t timelines[TIMELINES_MAX]; /* of which there are segments; newest first */
    size_t timeline_count;
    int segment; /* descriptor, -1: none */
    uint64_t segment_at;
    int64_t deadline_ns;
    struct err *err; /* set where the walk was broken off */
    bool failed;
};

static bool fail(struct reader *reader, const char *what)
{
    reader->failed = true;
    return err_errno(reader->err, errno, "cannot read %s of '%s'", what, reader->query->pgdata);
}

/* Keeps the list in order and each timeline once; false when it is full. */
static bool add_timeline(struct reader *reader, uint32_t timeline)
{
    size_t at = 0;
    while (at < reader->timeline_count && reader->timelines[at] > timeline)
        at++;
    if (at < reader->timeline_count && reader->timelines[at] == timeline)
        return true;
    if (reader->timeline_count == TIMELINES_MAX)
        return false;
    memmove(reader->timelines + at + 1, reader->timelines + at,
            (reader->timeline_count - at) * sizeof(*reader->timelines));
    reader->timelines[at] = timeline;
    reader->timeline_count++;
    return true;
}

static bool list_timelines(struct reader *reader)
{
    for (;;) {
        uint32_t timeline;
        uint64_t lsn;
        errno = 0;
        const struct dirent *entry = readdir(reader->dir);
        if (entry == NULL)
            return errno == 0 || fail(reader, "pg_wal");
        struct span name = {entry->d_name, strlen(entry->d_name)};
        if (!lsn_segment_parse(name, reader->query->control->segment_bytes, &timeline, &lsn) ||
            timeline > reader->query->newest_timeline)
            continue;
        if (!add_timeline(reader, timeline))
            return err_set(reader->err, ERR_REFUSED,
                           "pg_wal of '%s' has segments of more than %d timelines",
                           reader->query->pgdata, TIMELINES_MAX);
    }
}

/* The segment that begins at LSN, in its newest timeline. */
static bool open_segment(struct reader *reader, uint64_t lsn)
{
    char name[LSN_SEGMENT_NAME_MAX];
    if (reader->segment != -1 && reader->segment_at == lsn)
        return true;
    if (reader->segment != -1)
        (void)close(reader->segment);
    reader->segment = -1;
    if (clock_expired(reader->deadline_ns)) {
        reader->failed = true;
        return err_set(reader->err, ERR_LATER, "no time left to read the WAL of '%s'",
                       reader->query->pgdata);
    }
    for (size_t i = 0; i < reader->timeline_count && reader->segment == -1; i++) {
        lsn_segment_name(reader->timelines[i], lsn, reader->query->control->segment_bytes, name);
        reader->segment =
            openat(dirfd(reader->dir), name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (reader->segment == -1 && errno != ENOENT)
            return fail(reader, name);
    }
    reader->segment_at = lsn;
    return reader->segment != -1;
}

/* A page for wal_find_end; a segment that is too short has none there. */
static bool read_page(void *user, uint64_t lsn, unsigned char *page)
{
    struct reader *reader = user;
    const struct control_file *control = reader->query->control;
    const uint64_t offset = lsn % control->segment_bytes;
    if (!open_segment(reader, lsn - offset))
        return false;
    for (size_t have = 0; have < control->wal_block_bytes;) {
        ssize_t got = pread(reader->segment, page + have, control->wal_block_bytes - have,
                            (off_t)(offset + have));
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return fail(reader, "the WAL");
        if (got == 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static struct wal_source source_of(struct reader *reader, unsigned char *memory)
{
    const struct control_file *control = reader->query->control;
    return (struct wal_source){
        .system_identifier = control->system_identifier,
        .segment_bytes = control->segment_bytes,
        .page_bytes = control->wal_block_bytes,
        .page = read_page,
        .user = reader,
        .memory = memory,
    };
}

static bool open_reader(struct reader *reader, const struct wal_files_query *query,
                        int64_t deadline_ns, struct err *err)
{
    char path[4096];
    *reader =
        (struct reader){.query = query, .segment = -1, .deadline_ns = deadline_ns, .err = err};
    if (!file_join(path, query->pgdata, "pg_wal", err))
        return false;
    reader->dir = opendir(path);
    if (reader->dir == NULL)
        return fail(reader, "pg_wal");
    return list_timelines(reader);
}

static void close_reader(struct reader *reader)
{
    if (reader->segment != -1)
        (void)close(reader->segment);
    if (reader->dir != NULL)
        (void)closedir(reader->dir);
}

bool wal_files_find_end(const struct wal_files_query *query, struct wal_end *end, bool *known,
                        int64_t deadline_ns, struct err *err)
{
    unsigned char memory[WAL_PAGE_MAX];
    struct reader reader;
    bool done = open_reader(&reader, query, deadline_ns, err);
    if (done) {
        const struct wal_source source = source_of(&reader, memory);
        *known = wal_find_end(&source, query->start, query->past, end);
        done = !reader.failed;
    }
    close_reader(&reader);
    return done;
}

/* ---- the last records */

/* Those of the last SPAN bytes before UNTIL; a segment that is missing begins them later. */
static bool find_span(struct reader *reader, uint64_t until, uint64_t span, struct wal_tail *tail)
{
    unsigned char memory[WAL_PAGE_MAX];
    struct wal_end end;
    const struct wal_source source = source_of(reader, memory);
    uint64_t lsn = until > span ? until - span : 0;
    while (!wal_first_record(&source, lsn, until, &tail->begin)) {
        lsn += source.segment_bytes - lsn % source.segment_bytes;
        if (reader->failed || lsn >= until)
            return false;
    }
    bool found = wal_find_end(&source, tail->begin, until - 1, &end);
    tail->end = end.end;
    tail->dated = end.dated != 0;
    return found && !reader->failed;
}

bool wal_files_find_tail(const struct wal_files_query *query, uint64_t until, struct wal_tail *tail,
                         bool *known, int64_t deadline_ns, struct err *err)
{
    static const uint64_t spans[] = {(uint64_t)64 << 10, WAL_TAIL_MAX};
    struct reader reader;
    struct wal_tail found;
    *tail = (struct wal_tail){0};
    bool done = open_reader(&reader, query, deadline_ns, err);
    for (size_t i = 0; done && i < sizeof spans / sizeof *spans && !tail->dated; i++) {
        if (find_span(&reader, until, spans[i], &found) && found.end >= tail->end)
            *tail = found;
        done = !reader.failed;
    }
    *known = tail->end != 0;
    close_reader(&reader);
    return done;
}

bool wal_files_compare(const struct wal_files_query *query, const struct wal_tail *tail,
                       const struct wal_other *other, struct wal_end *end, int64_t deadline_ns,
                       struct err *err)
{
    unsigned char memory[WAL_PAGE_MAX];
    struct reader reader;
    bool done = open_reader(&reader, query, deadline_ns, err);
    *end = (struct wal_end){0};
    if (done) {
        struct wal_source source = source_of(&reader, memory);
        source.other = other;
        (void)wal_find_end(&source, tail->begin, tail->end - 1, end);
        done = !reader.failed;
    }
    close_reader(&reader);
    return done;
}

bool wal_files_read(const struct wal_files_query *query, uint64_t lsn, unsigned char *bytes,
                    size_t len, int64_t deadline_ns, struct err *err)
{
    struct reader reader;
    const size_t page_bytes = query->control->wal_block_bytes;
    bool done = open_reader(&reader, query, deadline_ns, err);
    for (size_t have = 0; done && have < len; have += page_bytes) {
        if (!read_page(&reader, lsn + have, bytes + have))
            memset(bytes + have, 0, page_bytes);
        done = !reader.failed;
    }
    close_reader(&reader);
    return done;
}

uint32_t wal_files_timeline_at(const char *pgdata, uint32_t segment_bytes, uint64_t lsn)
{
    char path[4096];
    struct err ignored;
    uint32_t newest = 0;
    DIR *stream = lsn > 0 && file_join(path, pgdata, "pg_wal", &ignored) ? opendir(path) : NULL;
    const struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        uint32_t timeline;
        uint64_t begin;
        struct span name = {entry->d_name, strlen(entry->d_name)};
        if (lsn_segment_parse(name, segment_bytes, &timeline, &begin) && begin < lsn &&
            lsn - begin <= segment_bytes && timeline > newest)
            newest = timeline;
    }
    if (stream != NULL)
        (void)closedir(stream);
    return newest;
}
