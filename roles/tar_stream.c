#include "roles/tar_stream.h"

#include <string.h>

/* Offset and length of a header's fields: IEEE 1003.1-2017, pax, "ustar Interchange Format". */
#define NAME 0, 100
#define MODE 100, 8
#define SIZE 124, 12
#define CHECKSUM_AT 148
#define CHECKSUM_LEN 8
#define TYPE_AT 156
#define LINK 157, 100
#define MAGIC_AT 257
#define PREFIX 345, 155

#define END_BLOCKS 2

void tar_stream_begin(struct tar_stream *stream)
{
    *stream = (struct tar_stream){.problem = TAR_STREAM_FINE};
}

/* A field's text up to its NUL, where it has one. */
static struct span text_at(const unsigned char *block, size_t at, size_t len)
{
    struct span field = {(const char *)block + at, len};
    return (struct span){field.data, text_find(field, '\0')};
}

/* Base-256: 0x80, then big-endian; negative numbers have 0xff and are none. */
static bool read_binary(const unsigned char *field, size_t len, uint64_t *number)
{
    *number = 0;
    for (size_t i = 1; i < len; i++) {
        if (*number >> 55 != 0) /* stays below 2^63 */
            return false;
        *number = *number << 8 | field[i];
    }
    return *field == 0x80;
}

/* Octal digits, with spaces before and a space or NUL behind where there is room. */
static bool read_number(const unsigned char *block, size_t at, size_t len, uint64_t *number)
{
    const unsigned char *field = block + at;
    size_t i = 0;
    if ((*field & 0x80) != 0)
        return read_binary(field, len, number);
    while (i < len && field[i] == ' ')
        i++;
    size_t first = i;
    *number = 0;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        *number = *number << 3 | (uint64_t)(field[i] - '0');
    return i > first && (i == len || field[i] == ' ' || field[i] == '\0');
}

/* The sum of all bytes, its own field taken as spaces. */
static bool checksum_fits(const unsigned char *block)
{
    uint64_t stored, sum = UINT64_C(8) * ' ';
    for (size_t i = 0; i < TAR_STREAM_BLOCK; i++)
        sum += i - CHECKSUM_AT < CHECKSUM_LEN ? 0 : block[i];
    return read_number(block, CHECKSUM_AT, CHECKSUM_LEN, &stored) && stored == sum;
}

/* Appends PATH's components to NAME; a single trailing '/' sets *is_directory. */
static bool put_path(struct text_out *name, struct span path, bool *is_directory)
{
    struct span rest = path;
    if (text_starts(path, "/"))
        return false;
    *is_directory = path.len > 0 && path.data[path.len - 1] == '/';
    while (rest.data != NULL) {
        struct span component = text_cut(rest, '/', &rest);
        if (component.len == 0 || text_is(component, "."))
            continue;
        if (text_is(component, ".."))
            return false;
        if (name->len > 0)
            text_put(name, "/");
        text_put_span(name, component);
    }
    return true;
}

static bool read_name(struct tar_stream_entry *entry, const unsigned char *block)
{
    struct text_out name = {.data = entry->name, .size = sizeof(entry->name)};
    bool is_directory;
    if (!put_path(&name, text_at(block, PREFIX), &is_directory) ||
        !put_path(&name, text_at(block, NAME), &is_directory))
        return false;
    return text_done(&name) > 0 && (!is_directory || entry->type != TAR_STREAM_FILE);
}

static bool read_type(struct tar_stream_entry *entry, unsigned char type)
{
    switch (type) {
    case '\0':
    case '0':
        entry->type = TAR_STREAM_FILE;
        return true;
    case '2':
        entry->type = TAR_STREAM_LINK;
        return true;
    case '5':
        entry->type = TAR_STREAM_DIRECTORY;
        return true;
    default:
        return false;
    }
}

static enum tar_stream_problem read_header(struct tar_stream_entry *entry,
                                           const unsigned char *block)
{
    uint64_t mode;
    *entry = (struct tar_stream_entry){.type = TAR_STREAM_FILE};
    if (!checksum_fits(block))
        return TAR_STREAM_BAD_CHECKSUM;
    if (memcmp(block + MAGIC_AT,
               "ustar\0"
               "00",
               8) != 0)
        return TAR_STREAM_BAD_HEADER;
    if (!read_type(entry, block[TYPE_AT]))
        return TAR_STREAM_BAD_TYPE;
    if (!read_number(block, MODE, &mode) || mode > 07777 || !read_number(block, SIZE, &entry->size))
        return TAR_STREAM_BAD_HEADER;
    entry->mode = (uint32_t)mode;
    if (entry->type != TAR_STREAM_FILE && entry->size != 0)
        return TAR_STREAM_BAD_HEADER;
    if (entry->type == TAR_STREAM_LINK &&
        (!text_copy(text_at(block, LINK), entry->link, sizeof(entry->link)) ||
         *entry->link == '\0'))
        return TAR_STREAM_BAD_HEADER;
    return read_name(entry, block) ? TAR_STREAM_FINE : TAR_STREAM_UNSAFE_NAME;
}

static enum tar_stream_event refuse(struct tar_stream *stream, enum tar_stream_problem problem)
{
    stream->problem = problem;
    return TAR_STREAM_REFUSED;
}

static struct span take(struct span *fed, uint64_t most)
{
    struct span taken = {fed->data, fed->len < most ? fed->len : (size_t)most};
    *fed = text_from(*fed, taken.len);
    return taken;
}

static bool is_zero(const unsigned char *block)
{
    return block[0] == 0 && memcmp(block, block + 1, TAR_STREAM_BLOCK - 1) == 0;
}

/* A block that is whole: a header, or a part of the end mark. */
static enum tar_stream_event take_block(struct tar_stream *stream)
{
    stream->have = 0;
    if (is_zero(stream->block)) {
        if (stream->zero_blocks < END_BLOCKS)
            stream->zero_blocks++;
        if (stream->zero_blocks < END_BLOCKS || stream->ended)
            return TAR_STREAM_MORE;
        stream->ended = true;
        return TAR_STREAM_END;
    }
    if (stream->zero_blocks > 0)
        return refuse(stream, TAR_STREAM_TRAILING);
    enum tar_stream_problem problem = read_header(&stream->entry, stream->block);
    if (problem != TAR_STREAM_FINE)
        return refuse(stream, problem);
    stream->in_entry = true;
    stream->data_left = stream->entry.size;
    stream->padding_left = (size_t)(-stream->entry.size % TAR_STREAM_BLOCK);
    return TAR_STREAM_ENTRY;
}

enum tar_stream_event tar_stream_next(struct tar_stream *stream, struct span *fed,
                                      struct span *data)
{
    if (stream->problem != TAR_STREAM_FINE)
        return TAR_STREAM_REFUSED;
    if (stream->in_entry) {
        if (stream->data_left == 0) {
            stream->in_entry = false;
            return TAR_STREAM_ENTRY_END;
        }
        if (fed->len == 0)
            return TAR_STREAM_MORE;
        *data = take(fed, stream->data_left);
        stream->data_left -= data->len;
        return TAR_STREAM_DATA;
    }
    stream->padding_left -= take(fed, stream->padding_left).len;
    while (fed->len > 0) {
        struct span piece = take(fed, TAR_STREAM_BLOCK - stream->have);
        memcpy(stream->block + stream->have, piece.data, piece.len);
        stream->have += piece.len;
        if (stream->have < TAR_STREAM_BLOCK)
            break;
        enum tar_stream_event event = take_block(stream);
        if (event != TAR_STREAM_MORE)
            return event;
    }
    return TAR_STREAM_MORE;
}

enum tar_stream_problem tar_stream_finish(const struct tar_stream *stream)
{
    if (stream->problem != TAR_STREAM_FINE)
        return stream->problem;
    bool between = !stream->in_entry && stream->padding_left == 0 && stream->have == 0;
    return between && (stream->ended || stream->zero_blocks == 0) ? TAR_STREAM_FINE
                                                                  : TAR_STREAM_CUT;
}
