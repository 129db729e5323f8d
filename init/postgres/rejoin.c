#include "init/postgres/rejoin.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/postgres/auto_conf.h"
#include "init/postgres/conninfo.h"
#include "init/sys/disk.h"
#include "init/sys/file.h"
#include "init/sys/run.h"

#define OUR_SLOTS "ordain_"

/* A slot is a directory of its name (src/backend/replication/slot.c, PostgreSQL 13 to 18). */
static bool drop_slots(const struct datadir *datadir, struct err *err)
{
    char slots[4096];
    char slot[4096];
    bool done = datadir_below(datadir, "pg_replslot", slots, err);
    DIR *stream = done ? opendir(slots) : NULL;
    const struct dirent *entry;
    if (done && stream == NULL)
        return errno == ENOENT || err_errno(err, errno, "cannot read '%s'", slots);
    while (done && (entry = readdir(stream)) != NULL)
        if (strncmp(entry->d_name, OUR_SLOTS, strlen(OUR_SLOTS)) == 0)
            done = file_join(slot, slots, entry->d_name, err) && disk_remove_tree(slot, err);
    if (stream != NULL)
        (void)closedir(stream);
    return done && disk_sync_directory(slots, err);
}

bool rejoin_signal(const struct datadir *datadir, struct err *err)
{
    char path[4096];
    return datadir_below(datadir, "standby.signal", path, err) &&
           file_write(path, "", 0, 0600, NULL, err);
}

bool rejoin_as_standby(const struct datadir *datadir, struct err *err)
{
    return drop_slots(datadir, err) && rejoin_signal(datadir, err);
}

/* ---- around a clone */

void rejoin_kept_suffix(uint32_t timeline, uint64_t lsn, char suffix[static 64])
{
    (void)snprintf(suffix, 64, DATADIR_DIVERGED "%" PRIu32 "-%" PRIX32 "-%" PRIX32, timeline,
                   (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

/* The primary's key is nobody else's; its configuration is not read, since ours names every file. */
bool rejoin_own_clone(const char *staging, struct err *err)
{
    char key[4096];
    return auto_conf_clean(staging, AUTO_CONF_ALL, err) &&
           file_join(key, staging, "server.key", err) && file_remove(key, err);
}

/* ---- pg_rewind */

/* The program in PATH; "" where it is not. */
static bool find_program(char path[static PATH_MAX])
{
    const char *dirs = getenv("PATH");
    while (dirs != NULL && *dirs != '\0') {
        size_t len = strcspn(dirs, ":");
        int put = snprintf(path, PATH_MAX, "%.*s/pg_rewind", (int)len, dirs);
        if (put > 0 && put < PATH_MAX && access(path, X_OK) == 0)
            return true;
        dirs += len;
        dirs += *dirs == ':';
    }
    return false;
}

bool rejoin_can_rewind(const struct datadir *datadir)
{
    char path[PATH_MAX];
    const struct control_file *control = &datadir->control;
    return find_program(path) && (control->checksum_version != 0 || control->wal_log_hints);
}

/* pg_rewind reads the primary's control file from its disk: a promotion that no checkpoint followed would
 * look like the old timeline (pg_rewind of 15 and before). */
static bool checkpoint_there(struct pg_client *client, const struct pg_target *target,
                             int64_t deadline_ns, struct err *err)
{
    int server = pg_client_server(client, target);
    struct pg_call call = pg_call_new(server, "CHECKPOINT");
    bool done = pg_client_run(client, &call, 1, target->host, deadline_ns, err);
    pg_call_free(&call);
    return done;
}

/* libpq's words for pg_rewind's own connection; the password goes by the environment. */
static void write_source(struct buf *out, const struct pg_target *target)
{
    const char *const words[][2] = {
        {"host",        target->host     },
        {"hostaddr",    target->addr.text},
        {"user",        target->user     },
        {"dbname",      target->database },
        {"sslmode",     target->sslmode  },
        {"sslrootcert", target->ssl_ca   },
        {"sslcert",     target->ssl_cert },
        {"sslkey",      target->ssl_key  },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        conninfo_word(out, words[i][0], words[i][1]);
    buf_printf(out, " port=%d", target->port);
}

static bool run_rewind(const struct datadir *datadir, const struct pg_target *target,
                       int64_t deadline_ns, struct err *err)
{
    char program[PATH_MAX];
    char password[PATH_MAX];
    struct buf source = buf_new((size_t)64 * 1024);
    int status = -1;
    if (!find_program(program))
        return err_set(err, ERR_CONFIG, "there is no pg_rewind in this image");
    write_source(&source, target);
    (void)snprintf(password, sizeof password, "PGPASSWORD=%s", target->password);
    const char *const argv[] = {program,           "--target-pgdata", datadir->path,
                                "--source-server", buf_text(&source), NULL};
    const char *const more[] = {password, "PGCONNECT_TIMEOUT=10", NULL};
    bool done = run_program(argv, more, deadline_ns, &status, err);
    if (done && status != 0)
        done = err_set(err, ERR_LATER,
                       "pg_rewind ended with status %d (its words are above): this directory is "
                       "not started any more, the next run clones",
                       status);
    explicit_bzero(password, sizeof password);
    buf_free(&source);
    return done;
}

bool rejoin_rewind(const struct datadir *datadir, struct pg_client *client,
                   const struct pg_target *target, int64_t deadline_ns, struct err *err)
{
    char signal_path[4096];
    /* single-user recovery, which pg_rewind runs after a crash, refuses standby mode */
    return checkpoint_there(client, target, deadline_ns, err) &&
           datadir_write_mark(datadir, DATADIR_REWINDING, "pg_rewind\n", err) &&
           datadir_below(datadir, "standby.signal", signal_path, err) &&
           file_remove(signal_path, err) && run_rewind(datadir, target, deadline_ns, err) &&
           rejoin_as_standby(datadir, err) && datadir_remove_mark(datadir, DATADIR_REWINDING, err);
}
