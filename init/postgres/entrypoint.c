#include "init/postgres/entrypoint.h"

#include <dirent.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define SCRIPTS "/docker-entrypoint-initdb.d"
#define OUR_SCRIPT "zz-ordain.sh"

static bool is_run(const char *name)
{
    static const char *const ends[] = {".sh", ".sql", ".sql.gz", ".sql.xz", ".sql.zst"};
    size_t len = strlen(name);
    for (size_t i = 0; *name != '.' && i < sizeof ends / sizeof *ends; i++)
        if (len > strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

/* The next letter or digit, in lower case; what is beyond ASCII counts as a letter. */
static int next_letter(const char **text)
{
    for (; **text != '\0'; (*text)++) {
        int byte = (unsigned char)**text;
        int lower = byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
        if ((lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80) {
            (*text)++;
            return lower;
        }
    }
    return 0;
}

static int compare_letters(const char *one, const char *other)
{
    for (;;) {
        int mine = next_letter(&one);
        int yours = next_letter(&other);
        if (mine != yours || mine == 0)
            return mine - yours;
    }
}

bool entrypoint_runs_behind(const char *name)
{
    return is_run(name) && strcmp(name, OUR_SCRIPT) != 0 &&
           (strcmp(name, OUR_SCRIPT) > 0 || compare_letters(name, OUR_SCRIPT) >= 0);
}

bool entrypoint_check(struct err *err)
{
    bool good = true;
    if (access(SCRIPTS "/" OUR_SCRIPT, R_OK) != 0)
        return err_set(err, ERR_CONFIG,
                       "'" SCRIPTS "/" OUR_SCRIPT
                       "' is not there: mount initdb.d of the configuration directory for the "
                       "server's container: {name: config, mountPath: " SCRIPTS
                       ", subPath: initdb.d}");
    DIR *stream = opendir(SCRIPTS);
    if (stream == NULL)
        return true; /* it is not to be listed: the entrypoint will say so */
    const struct dirent *entry;
    while (good && (entry = readdir(stream)) != NULL)
        if (entrypoint_runs_behind(entry->d_name))
            good = err_set(err, ERR_CONFIG,
                           "'" SCRIPTS "/%.200s' would run behind " OUR_SCRIPT
                           ", which says that the birth is whole: one cut short there would never "
                           "be run again; "
                           "give it a name that comes before, such as 50-%.200s",
                           entry->d_name, entry->d_name);
    (void)closedir(stream);
    return good;
}
