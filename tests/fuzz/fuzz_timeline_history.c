/* A history that is read ascends, and its timelines are found where it ends them. */
#include <stdint.h>
#include <stdlib.h>

#include "roles/timeline_history.h"

#define ENTRIES 8
#define TIMELINE 1000
#define SEGMENT (1U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Back from the end: each stretch begins with a segment, before the one behind it, under an older number. */
static void check_holders(const struct timeline_history *history)
{
    uint64_t lsn = UINT64_MAX;
    uint64_t begin = UINT64_MAX;
    uint32_t newer = history->timeline + 1;
    for (size_t i = 0; begin > 0; i++) {
        uint32_t timeline = timeline_history_holder(history, SEGMENT, lsn, &begin);
        if (i > history->count || begin > lsn || begin % SEGMENT != 0 || timeline >= newer)
            abort();
        newer = timeline;
        lsn = begin - 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct timeline_entry entries[ENTRIES];
    struct timeline_history history = {.entries = entries, .capacity = ENTRIES};
    enum timeline_history_status status =
        timeline_history_parse(&history, TIMELINE, (const char *)data, size);
    if (history.count > ENTRIES || (status == TIMELINE_HISTORY_OK && history.count == 0))
        abort();
    for (size_t i = 0; i < history.count; i++) {
        uint64_t lsn;
        if (entries[i].timeline == 0 || entries[i].timeline >= TIMELINE ||
            (i > 0 && (entries[i].timeline <= entries[i - 1].timeline ||
                       entries[i].end < entries[i - 1].end)))
            abort();
        if (!timeline_history_fork(&history, entries[i].timeline, &lsn) || lsn != entries[i].end)
            abort();
    }
    check_holders(&history);
    return 0;
}
