#include "roles/timeline_history.h"

#include "roles/lsn.h"
#include "roles/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct span skip_blanks(struct span span)
{
    while (span.len > 0 && is_blank(*span.data))
        span = text_from(span, 1);
    return span;
}

/* What stands before the next blank. */
static struct span take_word(struct span *rest)
{
    struct span word = {rest->data, 0};
    while (word.len < rest->len && !is_blank(rest->data[word.len]))
        word.len++;
    *rest = skip_blanks(text_from(*rest, word.len));
    return word;
}

static bool parse_line(struct span line, struct timeline_entry *entry)
{
    uint64_t timeline;
    if (!text_u64(take_word(&line), &timeline) || timeline == 0 || timeline > UINT32_MAX)
        return false;
    entry->timeline = (uint32_t)timeline;
    return lsn_parse(take_word(&line), &entry->end) && entry->end != 0;
}

static bool follows(const struct timeline_history *history, const struct timeline_entry *entry)
{
    if (entry->timeline >= history->timeline)
        return false;
    if (history->count == 0)
        return true;
    const struct timeline_entry *last = &history->entries[history->count - 1];
    return entry->timeline > last->timeline && entry->end >= last->end;
}

enum timeline_history_status timeline_history_parse(struct timeline_history *history,
                                                    uint32_t timeline, const char *text, size_t len)
{
    struct span rest = {text, len};
    history->timeline = timeline;
    history->count = 0;
    while (rest.len > 0) {
        struct timeline_entry entry;
        struct span line = skip_blanks(text_cut(rest, '\n', &rest));
        if (rest.data == NULL)
            return TIMELINE_HISTORY_BAD; /* a position whose end is cut off is another position */
        if (line.len == 0 || *line.data == '#')
            continue;
        if (!parse_line(line, &entry) || !follows(history, &entry))
            return TIMELINE_HISTORY_BAD;
        if (history->count == history->capacity)
            return TIMELINE_HISTORY_FULL;
        history->entries[history->count++] = entry;
    }
    return history->count > 0 ? TIMELINE_HISTORY_OK : TIMELINE_HISTORY_BAD;
}

bool timeline_history_fork(const struct timeline_history *history, uint32_t timeline, uint64_t *lsn)
{
    for (size_t i = 0; i < history->count; i++) {
        if (history->entries[i].timeline != timeline)
            continue;
        *lsn = history->entries[i].end;
        return true;
    }
    return false;
}

uint32_t timeline_history_holder(const struct timeline_history *history, uint32_t segment_bytes,
                                 uint64_t lsn, uint64_t *begin)
{
    uint32_t timeline = history->timeline;
    for (size_t i = history->count; i > 0; i--) {
        const struct timeline_entry *before = &history->entries[i - 1];
        *begin = before->end - before->end % segment_bytes;
        if (*begin <= lsn)
            return timeline;
        timeline = before->timeline;
    }
    *begin = 0;
    return timeline;
}

enum timeline_history_status timeline_history_left(const char *text, size_t len, uint32_t timeline,
                                                   uint32_t ancestor, bool *left, uint64_t *lsn)
{
    struct timeline_entry entries[TIMELINE_HISTORY_MAX];
    struct timeline_history history = {.entries = entries, .capacity = TIMELINE_HISTORY_MAX};
    enum timeline_history_status status = timeline_history_parse(&history, timeline, text, len);
    *left = status == TIMELINE_HISTORY_OK && timeline_history_fork(&history, ancestor, lsn);
    return status;
}
