#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "init/postgres/clone_internal.h"
#include "init/postgres/clone_unpack.h"
#include "roles/backup_stream.h"

struct writer {
    struct clone *clone;
    struct clone_unpack unpack;
    struct backup_stream stream; /* 15 and later */
    bool framed;                 /* the same */
    size_t copies;               /* COPY OUTs that have begun */
    bool in_archive, in_manifest;
    struct decompress *decompress; /* of the archive; NULL: not compressed */
    int manifest_file;
};

static bool damaged(struct err *err)
{
    return err_set(err, ERR_LATER, "the backup's stream is damaged");
}

static bool end_archive(struct writer *writer, struct err *err)
{
    if (!writer->in_archive)
        return true;
    writer->in_archive = false;
    bool whole = writer->decompress == NULL || decompress_is_whole(writer->decompress);
    decompress_close(writer->decompress);
    writer->decompress = NULL;
    if (!whole)
        return err_set(err, ERR_LATER, "the compressed backup is cut off");
    return clone_unpack_end(&writer->unpack, err);
}

static bool begin_archive(struct writer *writer, const struct clone_space *space, struct err *err)
{
    enum compression compression = writer->clone->compression;
    if (!end_archive(writer, err))
        return false;
    if (space == NULL)
        return err_set(err, ERR_LATER, "the backup has an archive of no tablespace");
    writer->in_archive = true;
    return clone_unpack_begin(&writer->unpack, space, err) &&
           (compression == COMPRESSION_NONE ||
            decompress_open(&writer->decompress, compression, err));
}

static bool begin_manifest(struct writer *writer, struct err *err)
{
    if (!end_archive(writer, err))
        return false;
    writer->in_manifest = true;
    writer->manifest_file = openat(writer->clone->root, "backup_manifest.tmp",
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
                                   writer->clone->group ? 0640 : 0600);
    return writer->manifest_file >= 0 ||
           err_errno(err, errno, "cannot make the manifest of the clone");
}

static bool take_manifest(struct writer *writer, struct span data, struct err *err)
{
    if (!manifest_feed(writer->clone->manifest, data.data, data.len, err))
        return false;
    while (data.len > 0) {
        ssize_t done = write(writer->manifest_file, data.data, data.len);
        if (done < 0 && errno != EINTR)
            return err_errno(err, errno, "cannot write the manifest of the clone");
        data = text_from(data, done > 0 ? (size_t)done : 0);
    }
    return true;
}

/* What is unpacked lies in a buffer that is used again, so it is written at once. */
static bool take_packed(struct writer *writer, struct span data, struct err *err)
{
    struct span out;
    for (;;) {
        if (!decompress_next(writer->decompress, &data, &out, err))
            return false;
        if (out.len == 0)
            return true;
        atomic_fetch_add_explicit(&writer->clone->written, out.len, memory_order_relaxed);
        if (!clone_unpack_feed(&writer->unpack, out, err) ||
            !clone_unpack_flush(&writer->unpack, err))
            return false;
    }
}

static bool take_data(struct writer *writer, struct span data, struct err *err)
{
    if (writer->in_manifest)
        return take_manifest(writer, data, err);
    if (!writer->in_archive)
        return damaged(err);
    if (writer->decompress != NULL)
        return take_packed(writer, data, err);
    atomic_fetch_add_explicit(&writer->clone->written, data.len, memory_order_relaxed);
    return clone_unpack_feed(&writer->unpack, data, err);
}

/* "base.tar", "16384.tar.lz4" */
static const struct clone_space *space_of(const struct clone_spaces *spaces, const char *archive)
{
    char oid[12];
    struct span name = {archive, strcspn(archive, ".")};
    if (text_is(name, "base"))
        name.len = 0;
    return text_copy(name, oid, sizeof(oid)) ? clone_spaces_find(spaces, oid) : NULL;
}

static bool take_framed(struct writer *writer, struct span bytes, struct err *err)
{
    struct backup_stream_message message;
    if (!backup_stream_take(&writer->stream, bytes, &message))
        return damaged(err);
    switch (message.kind) {
    case BACKUP_STREAM_ARCHIVE:
        return begin_archive(writer, space_of(&writer->clone->spaces, message.archive), err);
    case BACKUP_STREAM_MANIFEST:
        return begin_manifest(writer, err);
    case BACKUP_STREAM_DATA:
        return take_data(writer, message.data, err);
    case BACKUP_STREAM_PROGRESS:
        return true;
    }
    return false;
}

/* Until 14 each archive is a COPY OUT of its own, in the order of the tablespaces, and the manifest the last. */
static bool begin_copy(struct writer *writer, struct err *err)
{
    const struct clone_spaces *spaces = &writer->clone->spaces;
    size_t copy = writer->copies++;
    if (writer->framed)
        return copy == 0 || damaged(err);
    if (copy < spaces->count)
        return begin_archive(writer, &spaces->list[copy], err);
    return copy == spaces->count ? begin_manifest(writer, err) : damaged(err);
}

static bool take(struct writer *writer, struct span message, struct err *err)
{
    if (message.len == 0)
        return begin_copy(writer, err);
    return writer->framed ? take_framed(writer, message, err) : take_data(writer, message, err);
}

/* The pieces of files that lie in it are written together, so before it is given back. */
static bool take_chunk(struct writer *writer, struct clone_chunk *chunk, struct err *err)
{
    struct span message;
    while (clone_chunk_next(chunk, &message))
        if (!take(writer, message, err))
            return false;
    return clone_unpack_flush(&writer->unpack, err);
}

static bool close_manifest(struct writer *writer, struct err *err)
{
    if (writer->manifest_file < 0)
        return err_set(err, ERR_LATER, "the backup ended before its manifest");
    int file = writer->manifest_file;
    writer->manifest_file = -1;
    return close(file) == 0 || err_errno(err, errno, "cannot write the manifest of the clone");
}

void *clone_write(void *clone)
{
    struct writer writer = {.clone = clone, .manifest_file = -1};
    struct clone_ring *ring = &writer.clone->ring;
    struct err *err = &writer.clone->write_err;
    struct clone_chunk *chunk;
    bool done = true;
    writer.framed = writer.clone->result->server_version >= 150000;
    clone_unpack_open(&writer.unpack, writer.clone->files, &writer.clone->spaces,
                      writer.clone->group);
    while (done && (chunk = clone_ring_take(ring)) != NULL) {
        done = take_chunk(&writer, chunk, err);
        clone_ring_give_back(ring);
    }
    if (done && !clone_ring_is_stopped(ring))
        done = end_archive(&writer, err) && close_manifest(&writer, err);
    if (!done)
        clone_ring_stop(ring);
    if (writer.manifest_file >= 0)
        (void)close(writer.manifest_file);
    decompress_close(writer.decompress);
    clone_unpack_close(&writer.unpack);
    return NULL;
}
