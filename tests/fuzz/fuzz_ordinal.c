/* Whatever a name holds, an ordinal that is read is what stands behind the last dash of the first label,
 * and the name of that ordinal is the same text again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roles/ordinal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_number(const char *text)
{
    int ordinal = -1;
    char again[16];
    if (ordinal_parse(text, &ordinal) != ORDINAL_OK) {
        require(ordinal == -1);
        return;
    }
    require(ordinal >= 0);
    (void)snprintf(again, sizeof again, "%d", ordinal);
    require(strcmp(text, again) == 0);
}

static void check_name(const char *name)
{
    int ordinal = -1;
    size_t stem = SIZE_MAX;
    char again[16];
    if (ordinal_of_name(name, &ordinal, &stem) != ORDINAL_OK) {
        require(ordinal == -1 && stem == SIZE_MAX);
        return;
    }
    size_t label = strcspn(name, ".");
    (void)snprintf(again, sizeof again, "-%d", ordinal);
    require(stem > 0 && stem + strlen(again) == label);
    require(memcmp(name + stem, again, strlen(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_number(text);
    check_name(text);
    free(text);
    return 0;
}
