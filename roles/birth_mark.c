#include "roles/birth_mark.h"

#include <string.h>

#include "roles/text.h"

/* The value of the line "KEY=VALUE"; empty when there is none. A line without its end is cut, and none. */
static struct span value_of(struct span rest, const char *key)
{
    while (rest.data != NULL) {
        struct span line = text_cut(rest, '\n', &rest);
        struct span value;
        if (rest.data != NULL && text_is(text_cut(line, '=', &value), key) && value.data != NULL)
            return value;
    }
    return (struct span){"", 0};
}

static bool take(char *out, size_t size, struct span span)
{
    return span.len > 0 && text_find(span, '\0') == span.len && text_copy(span, out, size);
}

static bool is_hex(const char *text, size_t len)
{
    if (strlen(text) != len)
        return false;
    return strspn(text, "0123456789abcdef") == len;
}

enum birth_mark_status birth_mark_parse(struct birth_mark *mark, const char *text, size_t len)
{
    const struct span all = {text, len};
    struct span format = value_of(all, "format");
    if (format.len > 0 && !text_is(format, "1"))
        return BIRTH_MARK_UNKNOWN_FORMAT;
    struct span state = value_of(all, "state");
    mark->born = text_is(state, "born");
    bool good = format.len > 0 && (mark->born || text_is(state, "seeding")) &&
                take(mark->cluster_id, sizeof(mark->cluster_id), value_of(all, "cluster-id")) &&
                take(mark->spec, sizeof(mark->spec), value_of(all, "spec")) &&
                take(mark->id, sizeof(mark->id), value_of(all, "id")) && is_hex(mark->spec, 64) &&
                is_hex(mark->id, REDIS_ID_LEN);
    if (!take(mark->synced, sizeof(mark->synced), value_of(all, "synced")) ||
        !is_hex(mark->synced, REDIS_ID_LEN))
        *mark->synced = '\0';
    return good ? BIRTH_MARK_OK : BIRTH_MARK_BAD;
}

size_t birth_mark_write(const struct birth_mark *mark, char text[static BIRTH_MARK_TEXT_MAX])
{
    struct text_out out = {.data = text, .size = BIRTH_MARK_TEXT_MAX};
    text_put(&out, "format=1\nstate=");
    text_put(&out, mark->born ? "born" : "seeding");
    text_put(&out, "\ncluster-id=");
    text_put(&out, mark->cluster_id);
    text_put(&out, "\nspec=");
    text_put(&out, mark->spec);
    if (*mark->synced != '\0') {
        text_put(&out, "\nsynced=");
        text_put(&out, mark->synced);
    }
    text_put(&out, "\nid="); /* last and needed: a mark that is cut is none */
    text_put(&out, mark->id);
    text_put(&out, "\n");
    return text_done(&out);
}
