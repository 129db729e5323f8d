#include "tests/unit/mending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 32
static struct redis_node file_rows[ROOM], copy_rows[ROOM], out_rows[2 * ROOM];
static struct redis_table file, copy;
static char scratch[SCRATCH_SIZE];

struct redis_table mended;
struct mend_facts facts;
char written[1 << 16];

void given(const char *file_text, const char *copy_text)
{
    memset(&facts, 0, sizeof(facts));
    memcpy(facts.id, A, sizeof(facts.id));
    file.nodes = file_rows;
    copy.nodes = copy_rows;
    file.capacity = copy.capacity = ROOM;
    if (file_text != NULL) {
        facts.file = &file;
        facts.file_status = redis_table_parse(&file, file_text, strlen(file_text), true, NULL);
    }
    if (copy_text != NULL) {
        facts.copy = &copy;
        facts.copy_status = redis_table_parse(&copy, copy_text, strlen(copy_text), true, NULL);
    }
}

struct mend_result decide_within(size_t rows, size_t scratch_size)
{
    mended.nodes = out_rows;
    mended.capacity = rows;
    return redis_mend_decide(&facts, &mended, scratch, scratch_size);
}

struct mend_result decide(void)
{
    struct mend_result result = decide_within(sizeof(out_rows) / sizeof(out_rows[0]), SCRATCH_SIZE);
    if (result.status < MEND_IMPOSSIBLE)
        assert_true(redis_table_write(&mended, written, sizeof(written)) > 0);
    return result;
}
