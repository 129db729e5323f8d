/* A byte for the kind, a byte for the length of the text before the value, that text, the value. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <hiredis/sds.h>

#include "templates/quote.h"

#define TEXT_MAX (64 * 1024)

struct text {
    char data[TEXT_MAX];
    size_t len;
};

static struct text out;

static bool put(void *user, const char *data, size_t len)
{
    struct text *text = user;
    if (len > sizeof text->data - 1 - text->len)
        return false;
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
    return true;
}

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* What the programs themselves make of the quoted value. */
static void check_alone(enum quote_kind kind, const char *value, size_t len)
{
    const struct quote_sink sink = {put, &out};
    out.len = 0;
    out.data[0] = '\0';
    if (quote_value(kind, value, len, &sink) != QUOTE_OK)
        return;
    if (kind == QUOTE_REDIS) {
        int count;
        sds *words = sdssplitargs(out.data, &count);
        require(words != NULL && count == 1 && sdslen(words[0]) == len);
        require(memcmp(words[0], value, len) == 0);
        sdsfreesplitres(words, count);
    } else if (kind == QUOTE_JSON) {
        cJSON *json = cJSON_Parse(out.data);
        require(cJSON_IsString(json) && strlen(json->valuestring) == len);
        require(memcmp(json->valuestring, value, len) == 0);
        cJSON_Delete(json);
    } else if (kind == QUOTE_URL && len > 0) {
        int plain_len;
        char *plain = curl_easy_unescape(NULL, out.data, (int)out.len, &plain_len);
        require(plain != NULL && (size_t)plain_len == len && memcmp(plain, value, len) == 0);
        curl_free(plain);
    }
}

/* Between redis.conf's own words: the value is in one word, and the words around it stay. */
static void check_redis_line(const char *value, size_t len, enum quote_place place)
{
    static const char *const before[] = {[QUOTE_BARE] = "a ",
                                         [QUOTE_DOUBLE] = "a \"<",
                                         [QUOTE_SINGLE] = "a '<",
                                         [QUOTE_COMMENT] = "# "};
    static const char *const after[] = {[QUOTE_BARE] = " z",
                                        [QUOTE_DOUBLE] = ">\" z",
                                        [QUOTE_SINGLE] = ">' z",
                                        [QUOTE_COMMENT] = " z"};
    struct quote_cursor cursor = quote_cursor_new(QUOTE_REDIS);
    const struct quote_sink sink = {put, &out};
    size_t marks = place == QUOTE_BARE ? 0 : 1;
    int count;
    out.len = 0;
    put(&out, before[place], strlen(before[place]));
    quote_cursor_pass(&cursor, before[place], strlen(before[place]));
    require(cursor.place == place);
    if (quote_cursor_put(&cursor, value, len, &sink) != QUOTE_OK)
        return;
    put(&out, after[place], strlen(after[place]));
    require(quote_cursor_pass(&cursor, after[place], strlen(after[place])) == QUOTE_OK);
    require(strchr(out.data, '\n') == NULL);
    if (place == QUOTE_COMMENT)
        return;
    require(cursor.place == QUOTE_BARE);
    sds *words = sdssplitargs(out.data, &count);
    require(words != NULL && count == 3 && strcmp(words[0], "a") == 0 &&
            strcmp(words[2], "z") == 0);
    require(sdslen(words[1]) == len + 2 * marks && memcmp(words[1] + marks, value, len) == 0);
    sdsfreesplitres(words, count);
}

/* Behind any text: a value opens and closes nothing, and adds no line to a file made of lines. */
static void check_behind(enum quote_kind kind, const char *before, size_t before_len,
                         const char *value, size_t len)
{
    struct quote_cursor cursor = quote_cursor_new(kind);
    const struct quote_sink sink = {put, &out};
    quote_cursor_pass(&cursor, before, before_len);
    enum quote_place place = cursor.place;
    out.len = 0;
    out.data[0] = '\0';
    if (quote_cursor_put(&cursor, value, len, &sink) != QUOTE_OK)
        return;
    require(cursor.place == place);
    require(kind == QUOTE_RAW || kind == QUOTE_SH || kind == QUOTE_CONNINFO ||
            strpbrk(out.data, "\r\n") == NULL);
    require(place != QUOTE_COMMENT || strpbrk(out.data, "\r\n") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > TEXT_MAX / 8)
        return 0;
    enum quote_kind kind = (enum quote_kind)(data[0] % (QUOTE_SH + 1));
    size_t before_len = data[1] < size - 2 ? data[1] : size - 2;
    const char *before = (const char *)data + 2;
    const char *value = before + before_len;
    size_t len = size - 2 - before_len;
    check_alone(kind, value, len);
    for (int place = QUOTE_BARE; place <= QUOTE_COMMENT; place++)
        check_redis_line(value, len, (enum quote_place)place);
    check_behind(kind, before, before_len, value, len);
    return 0;
}
