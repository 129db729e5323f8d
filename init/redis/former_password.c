#include "init/redis/former_password.h"

#include <string.h>

#include "init/sys/file.h"

#define CONFIG_CAP ((size_t)1 << 20)
#define DIRECTIVE "\nrequirepass "

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* One escaped character (sds.c sdssplitargs: \xHH, \n, \r, \t, \b, \a, else itself); moves AT past it. */
static char unescape(const char **at)
{
    static const char letters[] = "nrtba";
    static const char meant[] = "\n\r\t\b\a";
    char c = *(*at)++;
    if (c == 'x' && hex_digit((*at)[0]) >= 0 && hex_digit((*at)[1]) >= 0) {
        char byte = (char)(hex_digit((*at)[0]) * 16 + hex_digit((*at)[1]));
        *at += 2;
        return byte;
    }
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    return letter != NULL ? meant[letter - letters] : c;
}

/* One word as redis.conf has it: bare, or in double quotes. */
static void read_word(const char *at, struct buf *word)
{
    bool quoted = *at == '"';
    at += quoted;
    while (*at != '\0' && *at != '\n' && (quoted ? *at != '"' : *at != ' ')) {
        char c = *at++;
        if (quoted && c == '\\' && *at != '\0')
            c = unescape(&at);
        buf_add(word, &c, 1);
    }
}

void former_password_parse(const char *config, struct buf *password)
{
    const char *line = strstr(config, DIRECTIVE);
    if (line != NULL)
        read_word(line + strlen(DIRECTIVE), password);
}

bool former_password(const char *config_dir, const struct buf *present, struct buf *former,
                     struct err *err)
{
    char path[4096];
    struct err ignored;
    enum file_presence presence = FILE_ABSENT;
    struct buf config = buf_new(CONFIG_CAP);
    buf_clear(former);
    if (file_join(path, config_dir, "redis.conf", &ignored) &&
        file_read(path, &config, &presence, &ignored) && presence == FILE_THERE)
        former_password_parse(buf_text(&config), former);
    if (former->len == present->len &&
        memcmp(buf_text(former), buf_text(present), present->len) == 0)
        buf_clear(former);
    if (config.data != NULL)
        explicit_bzero(config.data, config.size);
    buf_free(&config);
    return buf_ok(former) || err_set(err, ERR_IO, "out of memory for a password");
}
