#include "roles/birth_mark.h"

#include <string.h>

/* The value of the line "KEY=VALUE"; data NULL when there is none. */
static struct span value_of(const char *text, size_t len, const char *key)
{
    size_t key_len = strlen(key);
    const char *end = text + len;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            break; /* a line without its end is cut */
        size_t line_len = (size_t)(stop - line);
        if (line_len > key_len && line[key_len] == '=' && memcmp(line, key, key_len) == 0)
            return (struct span){line + key_len + 1, line_len - key_len - 1};
        line = stop + 1;
    }
    return (struct span){NULL, 0};
}

static bool span_is(struct span span, const char *text)
{
    return span.data != NULL && span.len == strlen(text) && memcmp(span.data, text, span.len) == 0;
}

static bool take(char *out, size_t size, struct span span)
{
    if (span.data == NULL || span.len == 0 || span.len >= size ||
        memchr(span.data, '\0', span.len) != NULL)
        return false;
    memcpy(out, span.data, span.len);
    out[span.len] = '\0';
    return true;
}

static bool is_hex(const char *text, size_t len)
{
    if (strlen(text) != len)
        return false;
    return strspn(text, "0123456789abcdef") == len;
}

enum birth_mark_status birth_mark_parse(struct birth_mark *mark, const char *text, size_t len)
{
    struct span format = value_of(text, len, "format");
    if (format.len > 0 && !span_is(format, "1"))
        return BIRTH_MARK_UNKNOWN_FORMAT;
    struct span state = value_of(text, len, "state");
    mark->born = span_is(state, "born");
    bool good =
        format.len > 0 && (mark->born || span_is(state, "seeding")) &&
        take(mark->cluster_id, sizeof(mark->cluster_id), value_of(text, len, "cluster-id")) &&
        take(mark->spec, sizeof(mark->spec), value_of(text, len, "spec")) &&
        take(mark->id, sizeof(mark->id), value_of(text, len, "id")) && is_hex(mark->spec, 64) &&
        is_hex(mark->id, REDIS_ID_LEN);
    if (!take(mark->synced, sizeof(mark->synced), value_of(text, len, "synced")) ||
        !is_hex(mark->synced, REDIS_ID_LEN))
        *mark->synced = '\0';
    return good ? BIRTH_MARK_OK : BIRTH_MARK_BAD;
}

static size_t put(char *out, size_t at, const char *text)
{
    size_t len = strlen(text);
    memcpy(out + at, text, len + 1);
    return at + len;
}

size_t birth_mark_write(const struct birth_mark *mark, char text[static BIRTH_MARK_TEXT_MAX])
{
    size_t at = put(text, 0, "format=1\nstate=");
    at = put(text, at, mark->born ? "born" : "seeding");
    at = put(text, at, "\ncluster-id=");
    at = put(text, at, mark->cluster_id);
    at = put(text, at, "\nspec=");
    at = put(text, at, mark->spec);
    if (*mark->synced != '\0') {
        at = put(text, at, "\nsynced=");
        at = put(text, at, mark->synced);
    }
    at = put(text, at, "\nid="); /* last and needed: a mark that is cut is none */
    at = put(text, at, mark->id);
    return put(text, at, "\n");
}
