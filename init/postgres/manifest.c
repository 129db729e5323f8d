#include "init/postgres/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/buf.h"
#include "init/sys/digest.h"
#include "init/sys/json.h"
#include "roles/lsn.h"

/* The longest: a path of 1 kB in hexadecimal (Encoded-Path) and the rest of its line. */
#define LINE_CAP ((size_t)8 << 10)
#define VERSION_KEY "{ \"PostgreSQL-Backup-Manifest-Version\": "
#define IDENTIFIER_KEY "\"System-Identifier\": "
#define CHECKSUM_KEY "\"Manifest-Checksum\": \""

enum part { PART_VERSION, PART_HEAD, PART_FILES, PART_BETWEEN, PART_RANGES, PART_TAIL, PART_END };

struct manifest {
    struct clone_files *files;
    struct manifest_expected expected;
    struct digest *digest;
    struct buf line;
    enum part part;
    uint64_t version;
    bool identified, range_found;
};

bool manifest_open(struct manifest **manifest, struct clone_files *files,
                   const struct manifest_expected *expected, struct err *err)
{
    struct manifest *made = calloc(1, sizeof(*made));
    struct digest *digest = digest_new();
    if (made == NULL || digest == NULL) {
        free(made);
        digest_free(digest);
        return err_set(err, ERR_IO, "out of memory");
    }
    made->files = files;
    made->expected = *expected;
    made->digest = digest;
    made->line = buf_new(LINE_CAP);
    *manifest = made;
    return true;
}

void manifest_close(struct manifest *manifest)
{
    if (manifest == NULL)
        return;
    digest_free(manifest->digest);
    buf_free(&manifest->line);
    free(manifest);
}

static bool damaged(const char *what, struct err *err)
{
    return err_set(err, ERR_LATER, "the backup's manifest is damaged: %s", what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* LEN bytes of OUT from exactly twice as many digits. */
static bool read_hex(const char *text, unsigned char *out, size_t len)
{
    if (text == NULL || strlen(text) != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* "Encoded-Path" stands for a path that is no UTF-8. */
static bool read_path(const struct json *line, char path[static 2048])
{
    const char *plain = json_text(json_member(line, "Path"));
    const char *encoded = json_text(json_member(line, "Encoded-Path"));
    if ((plain == NULL) == (encoded == NULL))
        return false;
    if (plain != NULL)
        return (size_t)snprintf(path, 2048, "%s", plain) < 2048;
    size_t len = strlen(encoded) / 2;
    if (len >= 2048 || !read_hex(encoded, (unsigned char *)path, len))
        return false;
    path[len] = '\0';
    return strlen(path) == len;
}

/* The bytes of the CRC as they lie in memory on the (little-endian) server; of a big-endian one the other
 * way round, which Postgres cannot be cloned to anyway. */
static bool read_crc(const struct json *line, uint32_t *crc)
{
    unsigned char bytes[4];
    const char *algorithm = json_text(json_member(line, "Checksum-Algorithm"));
    if (algorithm == NULL || strcmp(algorithm, "CRC32C") != 0 ||
        !read_hex(json_text(json_member(line, "Checksum")), bytes, sizeof(bytes)))
        return false;
    *crc = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
    return true;
}

static bool check_file(struct manifest *manifest, const struct json *line, struct err *err)
{
    char path[2048];
    uint64_t listed = 0;
    uint32_t crc = 0;
    if (!read_path(line, path) || !json_u64(json_member(line, "Size"), &listed) ||
        !read_crc(line, &crc))
        return damaged("a file's line", err);
    uint64_t size = listed;
    switch (clone_files_match(manifest->files, path, &size, crc)) {
    case CLONE_FILES_OK:
        return true;
    case CLONE_FILES_ABSENT:
        return err_set(err, ERR_LATER, "the backup lacks '%s', which its manifest lists", path);
    case CLONE_FILES_SIZE:
        return err_set(err, ERR_LATER, "'%s' came with %llu bytes; the manifest says %llu", path,
                       (unsigned long long)size, (unsigned long long)listed);
    case CLONE_FILES_CRC:
        return err_set(err, ERR_LATER, "the checksum of '%s' is not the manifest's", path);
    case CLONE_FILES_TWICE:
    case CLONE_FILES_FULL:
        break;
    }
    return damaged("a file is listed twice", err);
}

static bool read_lsn(const struct json *line, const char *key, uint64_t *lsn)
{
    const char *text = json_text(json_member(line, key));
    return text != NULL && lsn_parse((struct span){text, strlen(text)}, lsn);
}

/* A backup that began on its timeline needs one range from there on; one that the timeline's history
 * precedes (never of a server that was not promoted meanwhile) would have others too. */
static bool check_range(struct manifest *manifest, const struct json *line, struct err *err)
{
    uint64_t timeline = 0, start = 0, end = 0;
    if (!json_u64(json_member(line, "Timeline"), &timeline) ||
        !read_lsn(line, "Start-LSN", &start) || !read_lsn(line, "End-LSN", &end))
        return damaged("a WAL range", err);
    if (timeline != manifest->expected.timeline)
        return true;
    if (start != manifest->expected.start)
        return damaged("its WAL begins elsewhere than the backup", err);
    manifest->range_found = true;
    manifest->expected.end = end;
    return true;
}

/* A line "{ ... }" of an array, or the array's end. */
static bool take_element(struct manifest *manifest, struct span line, struct err *err)
{
    bool files = manifest->part == PART_FILES;
    if (text_is(line, "],") || text_is(line, "]")) {
        manifest->part = files ? PART_BETWEEN : PART_TAIL;
        return true;
    }
    if (line.len > 0 && line.data[line.len - 1] == ',')
        line.len--;
    struct json *value = NULL;
    struct err why;
    if (!json_parse(&value, line.data, line.len, &why))
        return damaged(why.message, err);
    bool done = files ? check_file(manifest, value, err) : check_range(manifest, value, err);
    json_free(value);
    return done;
}

/* Beyond what json.h takes as a number. */
static bool take_number(struct span line, const char *key, uint64_t *number)
{
    struct span rest = text_starts(line, key) ? text_from(line, strlen(key)) : (struct span){0};
    if (rest.len < 2 || rest.data[rest.len - 1] != ',')
        return false;
    rest.len--;
    return text_u64(rest, number);
}

static bool take_head(struct manifest *manifest, struct span line, struct err *err)
{
    uint64_t identifier = 0;
    if (text_starts(line, "\"Files\": [")) {
        manifest->part = text_is(line, "\"Files\": [],") ? PART_BETWEEN : PART_FILES;
        return (manifest->version == 1 || manifest->identified) ||
               damaged("it tells no system identifier", err);
    }
    if (!take_number(line, IDENTIFIER_KEY, &identifier))
        return damaged("its head", err);
    if (identifier != manifest->expected.system_identifier)
        return err_set(err, ERR_REFUSED,
                       "the backup's manifest tells the system identifier %llu, not %llu",
                       (unsigned long long)identifier,
                       (unsigned long long)manifest->expected.system_identifier);
    manifest->identified = true;
    return true;
}

static bool take_checksum(struct manifest *manifest, struct span line, struct err *err)
{
    char hex[65];
    digest_hex(manifest->digest, hex);
    manifest->part = PART_END;
    line = text_from(line, strlen(CHECKSUM_KEY));
    bool same =
        line.len == 66 && memcmp(line.data, hex, 64) == 0 && memcmp(line.data + 64, "\"}", 2) == 0;
    return same || damaged("its own checksum does not fit", err);
}

static bool take_line(struct manifest *manifest, struct span line, struct err *err)
{
    switch (manifest->part) {
    case PART_VERSION:
        manifest->part = PART_HEAD;
        if (!take_number(line, VERSION_KEY, &manifest->version))
            return damaged("it does not begin as one", err);
        return manifest->version == 1 || manifest->version == 2 ||
               err_set(err, ERR_CONFIG,
                       "the backup's manifest is of a version that is not known: %llu",
                       (unsigned long long)manifest->version);
    case PART_HEAD:
        return take_head(manifest, line, err);
    case PART_FILES:
    case PART_RANGES:
        return take_element(manifest, line, err);
    case PART_BETWEEN:
        manifest->part = PART_RANGES;
        return text_is(line, "\"WAL-Ranges\": [") || damaged("it tells no WAL range", err);
    case PART_TAIL:
        if (text_starts(line, CHECKSUM_KEY))
            return take_checksum(manifest, line, err);
        break;
    case PART_END:
        break;
    }
    return damaged("its end", err);
}

bool manifest_feed(struct manifest *manifest, const char *data, size_t len, struct err *err)
{
    while (len > 0) {
        const char *end = memchr(data, '\n', len);
        size_t taken = end != NULL ? (size_t)(end - data) : len;
        buf_add(&manifest->line, data, taken);
        if (!buf_ok(&manifest->line))
            return damaged("a line without end", err);
        if (end == NULL)
            return true;
        const char *text = buf_text(&manifest->line);
        struct span line = {text, manifest->line.len};
        if (!text_starts(line, CHECKSUM_KEY)) {
            digest_add(manifest->digest, text, line.len);
            digest_add(manifest->digest, "\n", 1);
        }
        if (!take_line(manifest, line, err))
            return false;
        buf_clear(&manifest->line);
        data = end + 1;
        len -= taken + 1;
    }
    return true;
}

bool manifest_finish(struct manifest *manifest, uint64_t *end, struct err *err)
{
    if (manifest->part != PART_END || manifest->line.len > 0)
        return damaged("cut off", err);
    const char *extra = clone_files_unmatched(manifest->files);
    if (extra != NULL)
        return err_set(err, ERR_LATER, "the backup has '%s', which its manifest does not list",
                       extra);
    if (!manifest->range_found)
        return damaged("no WAL range is of the backup's timeline", err);
    *end = manifest->expected.end;
    return true;
}
