#ifndef INIT_POSTGRES_DATADIR_H
#define INIT_POSTGRES_DATADIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"
#include "roles/control_file.h"
#include "roles/postgres_start.h"
#include "roles/postmaster_pid.h"

/*
 * PGDATA and what ordain keeps beside it, read without a server. Beside it, because a clone is renamed
 * into its place and a diverged directory out of it: PGDATA must be a directory below the volume's
 * mount point.
 */

#define DATADIR_STARTED ".ordain-started" /* a first initdb may run here */
#define DATADIR_DONE ".ordain-done"       /* it ended well */
#define DATADIR_PRIMARY                                                                            \
    ".ordain-primary" /* the pod that the register named when it last answered */
#define DATADIR_REWINDING ".ordain-rewinding" /* pg_rewind is at work, or was cut short */
#define DATADIR_FENCED ".ordain-fenced"       /* a primary that the register does not name: dead */
#define DATADIR_CLONING ".ordain-cloning"     /* beating clock of a clone under way */
#define DATADIR_WAITING ".ordain-waiting"     /* beating clock of exec's wait for another pod */
#define DATADIR_RESTART                                                                            \
    ".ordain-restart" /* this server shall end: exec would decide otherwise now */
#define DATADIR_LOCK ".ordain-lock"
#define DATADIR_HALF ".half-initdb"
#define DATADIR_OLD ".discarded"
#define DATADIR_DIVERGED ".diverged-"

struct datadir {
    char path[4096]; /* PGDATA, absolute, without a slash at its end */
    int lock;        /* -1: not held */

    enum pg_data data;
    int major;                   /* of PG_VERSION; 0: there is none */
    struct control_file control; /* where data is standby, primary, rewinding or recovery */
    bool unfinished;             /* a clone that has never been consistent */
    uint64_t wal_needed;         /* where its recovery goes on, or a whole standby's; 0: no data */
    bool is_empty;               /* no file in it */
    char kept[256];              /* name of a diverged directory that is kept; "" : none */
    char remembered[254];        /* DATADIR_PRIMARY's pod; "" : none */
    char damage[128];            /* why the control file cannot be used */
};

/* ERR_CONFIG where PATH is no absolute path of a directory below the root. Looks at nothing but the text. */
bool datadir_check_path(const char *path, struct err *err);

/* PATH is PGDATA. ERR_CONFIG with the line to change where it is a mount point itself or no absolute
 * path, ERR_REFUSED where it is a symbolic link. Reads nothing yet; close it in any case. */
bool datadir_open(struct datadir *datadir, const char *path, struct err *err);
void datadir_close(struct datadir *datadir);

/* PGDATA with SUFFIX behind it: DATADIR_STARTED and the like. */
bool datadir_beside(const struct datadir *datadir, const char *suffix, char path[static 4096],
                    struct err *err);
/* A path below PGDATA. */
bool datadir_below(const struct datadir *datadir, const char *name, char path[static 4096],
                   struct err *err);

/* Makes the directories above PGDATA that are missing. */
bool datadir_make_parents(const struct datadir *datadir, struct err *err);

/* Takes the volume's lock, which exec leaves to the server that it becomes: all of its processes hold
 * it, so that nobody starts beside one that is alive. *held false when somebody has it. */
bool datadir_lock(struct datadir *datadir, bool *held, struct err *err);
/* Lets the lock outlive this program's end as another (execve). */
void datadir_leave_lock(struct datadir *datadir);

/* True from the mark *started* on until a server in production has begun: behind the mark *done* the
 * entrypoint's temporary server lives on for a moment, and scripts may follow. By files alone. */
bool datadir_is_being_born(const struct datadir *datadir);

/* Looks at everything anew. Fails on I/O alone: what is strange is a value of DATA. */
bool datadir_read(struct datadir *datadir, struct err *err);

/* What a server left or keeps in postmaster.pid; FILE points into TEXT, which is made here and freed by
 * the caller in any case. ERR_LATER where there is no such file or it is not written yet. */
bool datadir_postmaster_pid(const struct datadir *datadir, struct buf *text,
                            struct postmaster_pid *file, struct err *err);
/* True when a server runs on this PGDATA in this pid namespace, as postmaster.pid says; its pid. */
bool datadir_server(const struct datadir *datadir, pid_t *pid);

bool datadir_has_mark(const struct datadir *datadir, const char *suffix);
/* For everybody to read: a probe may be root's and the server's start not. */
bool datadir_write_mark(const struct datadir *datadir, const char *suffix, const char *text,
                        struct err *err);
bool datadir_remove_mark(const struct datadir *datadir, const char *suffix, struct err *err);
/* Touches a beating mark, making it where it is missing; failures are the reader's to notice. */
void datadir_beat(const struct datadir *datadir, const char *suffix);
#define DATADIR_NO_BEAT INT64_MIN
/* Seconds since a mark was touched, negative where the clock went back; DATADIR_NO_BEAT: it is not there. */
int64_t datadir_beat_age_s(const struct datadir *datadir, const char *suffix);

/* Renames PGDATA to PGDATA<SUFFIX>, both directories synced. The target must not exist. */
bool datadir_move_aside(const struct datadir *datadir, const char *suffix, struct err *err);
/* Removes the tree PGDATA<SUFFIX> (never PGDATA itself); missing is no failure. */
bool datadir_remove_tree(const struct datadir *datadir, const char *suffix, struct err *err);

#endif
