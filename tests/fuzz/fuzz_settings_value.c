/* A byte for the setting, then its text: what is taken lies in the setting's range and text, what is refused
 * says which variable, in one line without control characters, and shows no secret. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/settings_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_taken(const struct setting_row *row, const struct settings *settings,
                        const char *text)
{
    const char *member = (const char *)settings + row->offset;
    int64_t number = row->least;
    int small = 0;
    const char *kept = text;
    require(!setting_is_link(text));
    switch (row->kind) {
    case KIND_TEXT:
    case KIND_NAME:
    case KIND_PATH:
    case KIND_WORD:
    case KIND_SECRET:
        memcpy(&kept, member, sizeof(kept));
        break;
    case KIND_DURATION:
    case KIND_SIZE:
        memcpy(&number, member, sizeof(number));
        break;
    case KIND_INTEGER:
        memcpy(&small, member, sizeof(small));
        number = small;
        break;
    case KIND_CHOICE:
    case KIND_VERSION:
    case KIND_SWITCH:
        break;
    }
    require(kept == text);
    require(row->kind == KIND_CHOICE || row->kind == KIND_VERSION || row->kind == KIND_SWITCH ||
            (number >= row->least && number <= row->most) || kept != NULL);
}

static void check_refused(const struct setting_row *row, const struct err *err, const char *text)
{
    require(err->kind == ERR_CONFIG && strstr(err->message, "VARIABLE") != NULL);
    for (const char *at = err->message; *at != '\0'; at++)
        require((unsigned char)*at >= ' ' && *at != 0x7f);
    if (row->kind == KIND_SECRET && strlen(text) > 12)
        require(strstr(err->message, text) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct err err = {0};
    if (size < 2 || data[1] == '\0') /* an empty text is "not set": it never comes here */
        return 0;
    const struct setting_row *row = &setting_rows[data[0] % setting_row_count];
    char *text = malloc(size);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    memset(&settings, 0, sizeof(settings));
    if (setting_parse(&settings, row, text, "VARIABLE", ERR_CONFIG, &err))
        check_taken(row, &settings, text);
    else
        check_refused(row, &err, text);
    free(text);
    return 0;
}
