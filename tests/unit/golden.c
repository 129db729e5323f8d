#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_MAX (1 << 20)

static FILE *golden_open(const char *name, const char *mode)
{
    char path[256];
    int len = snprintf(path, sizeof(path), "tests/golden/%s", name);
    assert_in_range(len, 1, sizeof(path) - 1);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        fail_msg("%s cannot be opened", path);
    return file;
}

char *golden_read(const char *name, size_t *len)
{
    FILE *file = golden_open(name, "rb");
    char *text = malloc(GOLDEN_MAX);
    assert_non_null(text);
    *len = fread(text, 1, GOLDEN_MAX - 1, file);
    text[*len] = '\0';
    fclose(file);
    return text;
}

void golden_check(const char *name, const char *text)
{
    const char *update = getenv("GOLDEN_UPDATE");
    size_t len;
    if (update != NULL && strcmp(update, "1") == 0) {
        FILE *file = golden_open(name, "wb");
        assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
        assert_int_equal(fclose(file), 0);
        return;
    }
    char *wanted = golden_read(name, &len);
    assert_string_equal(text, wanted);
    free(wanted);
}
