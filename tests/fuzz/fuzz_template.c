/* A byte for kind and number of peers, then the template. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "templates/template.h"

#define OUTPUT_MAX (256 * 1024)

struct result {
    char text[OUTPUT_MAX];
    size_t len;
    size_t errors;
    size_t last_line;
};

static struct result first, second;
static char scratch[16 * 1024];
static size_t lines_in_source;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool put(void *user, const char *data, size_t len)
{
    struct result *result = user;
    if (len > sizeof result->text - result->len)
        return false;
    memcpy(result->text + result->len, data, len);
    result->len += len;
    return true;
}

static void note(void *user, const struct template_error *error)
{
    struct result *result = user;
    unsigned sum = 0;
    require(error->line >= 1 && error->line <= lines_in_source && error->column >= 1);
    for (size_t i = 0; i < error->subject.len; i++) /* readable to its end */
        sum += (unsigned char)error->subject.data[i];
    for (size_t i = 0; i < error->text.len; i++)
        sum += (unsigned char)error->text.data[i];
    result->last_line += sum;
    result->errors++;
}

/* One-letter names: a to f are set, P is the peer's. */
static bool lookup(void *user, const char *name, size_t len, size_t peer,
                   struct template_span *value)
{
    static const char *const values[] = {"", "plain", "two words", "a\"b'c\\", "l\nm", "${a}"};
    (void)user;
    if (len != 1)
        return false;
    if (name[0] >= 'a' && name[0] <= 'f') {
        *value = (struct template_span){values[name[0] - 'a'], strlen(values[name[0] - 'a'])};
        return true;
    }
    if (name[0] == 'P' && peer != TEMPLATE_NO_PEER) {
        *value = (struct template_span){values[peer], strlen(values[peer])};
        return true;
    }
    return false;
}

static size_t render(const struct template_source *source, size_t peers, struct result *result)
{
    const struct template_scope scope = {lookup, NULL, peers};
    const struct template_output output = {
        {put, result},
        note, result, scratch, sizeof scratch
    };
    result->len = result->errors = result->last_line = 0;
    size_t errors = template_render(source, &scope, &output);
    require(errors == result->errors);
    return errors;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = malloc(size); /* its own size: reading behind the end is seen */
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    const struct template_source source = {text, size - 1,
                                           (enum quote_kind)(data[0] % (QUOTE_SH + 1))};
    size_t peers = data[0] / 16 % 5;
    lines_in_source = 1;
    for (size_t i = 0; i + 1 < size; i++)
        lines_in_source += text[i] == '\n';
    render(&source, peers, &first);
    render(&source, peers, &second);
    require(first.len == second.len && memcmp(first.text, second.text, first.len) == 0);
    require(first.errors == second.errors && first.last_line == second.last_line);
    /* without a dollar sign, a directive or a mark in front, text is copied */
    if (memchr(text, '$', size - 1) == NULL && memmem(text, size - 1, "#@", 2) == NULL &&
        memchr(text, '\0', size - 1) == NULL && memmem(text, size - 1, "\xEF\xBB\xBF", 3) != text &&
        size - 1 < OUTPUT_MAX) {
        require(first.errors == 0 && first.len == size - 1);
        require(memcmp(first.text, text, size - 1) == 0);
    }
    free(text);
    return 0;
}
