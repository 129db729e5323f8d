#include "init/postgres/clone.h"

#include <stdlib.h>
#include <string.h>

#include "init/postgres/clone_internal.h"
#include "init/postgres/clone_places.h"
#include "init/sys/clock.h"

static bool open_lists(struct clone *clone, struct err *err)
{
    struct manifest_expected expected = {
        .system_identifier = clone->result->system_identifier,
        .timeline = clone->result->timeline,
        .start = clone->result->start_lsn,
    };
    clone->files = clone_files_new();
    if (clone->files == NULL)
        return err_set(err, ERR_IO, "out of memory");
    return manifest_open(&clone->manifest, clone->files, &expected, err);
}

/* What the manifest says, against what came and what the server said last. */
static bool check(struct clone *clone, struct err *err)
{
    uint64_t end = 0;
    if (!manifest_finish(clone->manifest, &end, err))
        return false;
    clone->result->files = clone_files_count(clone->files);
    clone->result->bytes = atomic_load_explicit(&clone->written, memory_order_relaxed);
    return end == clone->result->end_lsn ||
           err_set(err, ERR_LATER, "the backup's manifest is damaged: its WAL ends elsewhere");
}

static int64_t lap(int64_t *since_ns)
{
    int64_t now_ns = clock_now_ns(), spent_ns = now_ns - *since_ns;
    *since_ns = now_ns;
    return spent_ns;
}

static bool fetch(struct clone *clone, struct err *err)
{
    struct clone_result *result = clone->result;
    int64_t since_ns = clock_now_ns();
    if (!clone_discard_staging(clone->staging, err) || !clone_source_open(clone, err))
        return false;
    result->prepare_ns = lap(&since_ns);
    if (!clone_source_begin(clone, err))
        return false;
    result->checkpoint_ns = lap(&since_ns);
    if (!clone_staging_make(clone, err) || !open_lists(clone, err) || !clone_receive(clone, err) ||
        !clone_source_end(clone, err) || !check(clone, err))
        return false;
    result->stream_ns = lap(&since_ns);
    if (!clone_staging_finish(clone, err))
        return false;
    result->sync_ns = lap(&since_ns);
    memcpy(result->staging, clone->staging, sizeof(clone->staging));
    return true;
}

bool clone_fetch(const struct clone_request *request, struct clone_result *result, struct err *err)
{
    struct clone *clone = calloc(1, sizeof(*clone));
    if (clone == NULL)
        return err_set(err, ERR_IO, "out of memory");
    memset(result, 0, sizeof(*result));
    clone->request = request;
    clone->result = result;
    bool done =
        clone_staging_paths(clone, err) && clone_staging_mark(clone, err) && fetch(clone, err);
    pg_client_close(clone->client);
    pg_call_free(&clone->call);
    manifest_close(clone->manifest);
    clone_files_free(clone->files);
    struct err ignored;
    if (!done && clone->mark_file >= 0) /* a full disk has its room again */
        (void)clone_discard_staging(clone->staging, &ignored);
    clone_staging_close(clone);
    free(clone);
    return done;
}
