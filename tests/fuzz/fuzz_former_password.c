/* Any text is read without harm; and a password that templates/quote.h wrote comes back as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/former_password.h"
#include "templates/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool put(void *user, const char *data, size_t len)
{
    buf_add(user, data, len);
    return true;
}

static void check_quoted(const char *password, size_t len)
{
    struct buf config = buf_new(len * 4 + 64);
    struct buf again = buf_new(len + 1);
    const struct quote_sink sink = {put, &config};
    buf_printf(&config, "port 6379\nrequirepass ");
    if (len > 0 && quote_value(QUOTE_REDIS, password, len, &sink) == QUOTE_OK) {
        buf_printf(&config, "\nappendonly yes\n");
        require(buf_ok(&config));
        former_password_parse(buf_text(&config), &again);
        require(buf_ok(&again) && again.len == len && memcmp(buf_text(&again), password, len) == 0);
    }
    buf_free(&config);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf password = buf_new(size + 1);
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    former_password_parse(text, &password);
    require(buf_ok(&password) && password.len <= size);
    check_quoted(text, size);
    buf_free(&password);
    free(text);
    return 0;
}
