/* A mark that is read is written and read back as the same; whatever is cut off its text is seen. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/birth_mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static struct birth_mark parse(const char *text, size_t len, enum birth_mark_status *status)
{
    struct birth_mark mark;
    char *copy = malloc(len + 1); /* its own, so that a byte too far is seen */
    require(copy != NULL);
    if (len > 0)
        memcpy(copy, text, len);
    memset(&mark, 0xff, sizeof(mark));
    *status = birth_mark_parse(&mark, copy, len);
    free(copy);
    return mark;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum birth_mark_status status;
    struct birth_mark mark = parse((const char *)data, size, &status);
    if (status != BIRTH_MARK_OK)
        return 0;
    char text[BIRTH_MARK_TEXT_MAX];
    size_t len = birth_mark_write(&mark, text);
    require(len < sizeof(text) && strlen(text) == len);
    struct birth_mark again = parse(text, len, &status);
    require(status == BIRTH_MARK_OK && again.born == mark.born);
    require(strcmp(again.cluster_id, mark.cluster_id) == 0);
    require(strcmp(again.spec, mark.spec) == 0 && strcmp(again.id, mark.id) == 0);
    for (size_t cut = 0; cut < len; cut++) {
        (void)parse(text, cut, &status);
        require(status == BIRTH_MARK_BAD);
    }
    return 0;
}
