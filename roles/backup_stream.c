#include "roles/backup_stream.h"

#include <string.h>

/* The C string at BYTES' beginning, which is taken off; NULL where it has no end. */
static const char *take_string(struct span *bytes)
{
    size_t len = text_find(*bytes, '\0');
    const char *string = bytes->data;
    if (len == bytes->len)
        return NULL;
    *bytes = text_from(*bytes, len + 1);
    return string;
}

static bool is_file_name(const char *name)
{
    return *name != '\0' && *name != '.' && strchr(name, '/') == NULL;
}

static bool take_archive(struct backup_stream *stream, struct span bytes,
                         struct backup_stream_message *message)
{
    message->kind = BACKUP_STREAM_ARCHIVE;
    message->archive = take_string(&bytes);
    if (message->archive == NULL || !is_file_name(message->archive))
        return false;
    message->tablespace = take_string(&bytes);
    stream->in_archive = true;
    return message->tablespace != NULL && bytes.len == 0 && !stream->in_manifest;
}

static bool take_manifest(struct backup_stream *stream, struct span bytes,
                          struct backup_stream_message *message)
{
    bool first = !stream->in_manifest;
    message->kind = BACKUP_STREAM_MANIFEST;
    stream->in_manifest = true;
    return first && bytes.len == 0;
}

static bool take_progress(struct span bytes, struct backup_stream_message *message)
{
    message->kind = BACKUP_STREAM_PROGRESS;
    if (bytes.len != 8)
        return false;
    for (size_t i = 0; i < bytes.len; i++) /* a big-endian int64 */
        message->progress_bytes = message->progress_bytes << 8 | (unsigned char)bytes.data[i];
    return message->progress_bytes <= INT64_MAX;
}

bool backup_stream_take(struct backup_stream *stream, struct span bytes,
                        struct backup_stream_message *message)
{
    *message = (struct backup_stream_message){.kind = BACKUP_STREAM_DATA};
    if (bytes.len == 0)
        return false;
    struct span rest = text_from(bytes, 1);
    switch (*bytes.data) {
    case 'n':
        return take_archive(stream, rest, message);
    case 'm':
        return take_manifest(stream, rest, message);
    case 'd':
        message->data = rest;
        return stream->in_archive || stream->in_manifest;
    case 'p':
        return take_progress(rest, message);
    default:
        return false;
    }
}
