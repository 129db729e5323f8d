/* A history that is read ascends, and its timelines are found where it ends them. */
#include <stdint.h>
#include <stdlib.h>

#include "roles/timeline_history.h"

#define ENTRIES 8
#define TIMELINE 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    return 0;
}
