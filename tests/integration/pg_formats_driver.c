/* Says what roles/ and init/postgres/wal_files.c read of a data directory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/wal_files.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"
#include "roles/backup_label.h"
#include "roles/control_file.h"
#include "roles/lsn.h"
#include "roles/postmaster_opts.h"
#include "roles/postmaster_pid.h"
#include "roles/timeline_history.h"

static char path[4096];

static struct buf read_file(const char *dir, const char *name)
{
    struct buf buf = buf_new(1 << 20);
    struct err err = {0};
    if (!file_join(path, dir, name, &err) || !file_read(path, &buf, NULL, &err)) {
        (void)fprintf(stderr, "%s\n", err.message);
        exit((int)err.kind);
    }
    return buf;
}

static void say_lsn(const char *name, uint64_t lsn)
{
    char text[LSN_TEXT_MAX];
    lsn_write(lsn, text);
    (void)printf("%s=%s\n", name, text);
}

static void say(const char *name, uint64_t number)
{
    (void)printf("%s=%" PRIu64 "\n", name, number);
}

static struct control_file read_control(const char *pgdata)
{
    struct control_file control = {0};
    struct buf buf = read_file(pgdata, "global/pg_control");
    enum control_file_status status =
        control_file_parse(&control, (const unsigned char *)buf_text(&buf), buf.len);
    buf_free(&buf);
    if (status != CONTROL_FILE_OK) {
        (void)printf("status=%d\n", (int)status);
        exit(1);
    }
    return control;
}

static int say_control(const char *pgdata)
{
    const struct control_file control = read_control(pgdata);
    say("system_identifier", control.system_identifier);
    say("version", control.version);
    say("catalog_version", control.catalog_version);
    (void)printf("state=%s\n", control_file_state_name(control.state));
    say("clean", control_file_is_clean(&control));
    say("time", (uint64_t)control.time);
    say_lsn("checkpoint", control.checkpoint);
    say_lsn("redo", control.redo);
    say("checkpoint_timeline", control.timeline);
    say("prev_timeline", control.prev_timeline);
    say("timeline", control_file_timeline(&control));
    say_lsn("min_recovery", control.min_recovery);
    say("min_recovery_timeline", control.min_recovery_timeline);
    say_lsn("backup_start", control.backup_start);
    say_lsn("backup_end", control.backup_end);
    say("backup_end_required", control.backup_end_required);
    say("wal_level", control.wal_level);
    say("wal_log_hints", control.wal_log_hints);
    say("max_connections", control.max_connections);
    say("max_worker_processes", control.max_worker_processes);
    say("max_wal_senders", control.max_wal_senders);
    say("max_prepared_xacts", control.max_prepared_xacts);
    say("max_locks_per_xact", control.max_locks_per_xact);
    say("block_bytes", control.block_bytes);
    say("wal_block_bytes", control.wal_block_bytes);
    say("segment_bytes", control.segment_bytes);
    say("checksum_version", control.checksum_version);
    return 0;
}

/* From the checkpoint on, or from START; past PAST or to the end. */
static int say_wal(const char *pgdata, const char *start, const char *past, uint32_t newest,
                   int64_t timeout_ms)
{
    const struct control_file control = read_control(pgdata);
    struct wal_files_query query = {pgdata, &control, control.checkpoint, newest, UINT64_MAX};
    struct wal_end end;
    struct err err = {0};
    bool known;
    if (strcmp(start, "-") != 0 && !lsn_parse((struct span){start, strlen(start)}, &query.start))
        return 64;
    if (strcmp(past, "-") != 0 && !lsn_parse((struct span){past, strlen(past)}, &query.past))
        return 64;
    int64_t begin = clock_now_ns();
    if (!wal_files_find_end(&query, &end, &known, clock_deadline_ns(timeout_ms), &err)) {
        (void)fprintf(stderr, "%s\n", err.message);
        return (int)err.kind;
    }
    static const char *const stops[] = {"no page", "bad page", "no record",
                                        "bad crc", "cut",      "past"};
    say("known", known);
    say_lsn("end", end.end);
    say_lsn("last", end.last);
    say("records", end.records);
    say("timeline", end.timeline);
    say("shutdown", end.shutdown);
    (void)printf("stop=%s\n", stops[end.stop]);
    say("microseconds", (uint64_t)((clock_now_ns() - begin) / 1000));
    return 0;
}

static int say_history(const char *file, const char *timeline, const char *of)
{
    struct timeline_entry entries[16];
    struct timeline_history history = {.entries = entries, .capacity = 16};
    struct buf buf = read_file("", file);
    uint64_t lsn;
    enum timeline_history_status status = timeline_history_parse(
        &history, (uint32_t)strtoul(timeline, NULL, 10), buf_text(&buf), buf.len);
    buf_free(&buf);
    say("status", status);
    say("count", history.count);
    if (timeline_history_fork(&history, (uint32_t)strtoul(of, NULL, 10), &lsn))
        say_lsn("fork", lsn);
    return 0;
}

static int say_label(const char *pgdata)
{
    struct backup_label label;
    struct buf buf = read_file(pgdata, "backup_label");
    bool parsed = backup_label_parse(&label, buf_text(&buf), buf.len);
    buf_free(&buf);
    if (!parsed)
        return 1;
    say_lsn("start", label.start);
    say_lsn("checkpoint", label.checkpoint);
    say("timeline", label.timeline);
    say("from_standby", label.from_standby);
    return 0;
}

static int say_pid(const char *pgdata)
{
    static const char *const names[] = {"unknown", "starting", "stopping", "ready", "standby"};
    struct postmaster_pid file;
    struct buf buf = read_file(pgdata, "postmaster.pid");
    if (!postmaster_pid_parse(&file, buf_text(&buf), buf.len))
        return 1;
    say("pid", (uint64_t)file.pid);
    say("standalone", file.standalone);
    (void)printf("data_dir=%.*s\n", (int)file.data_dir.len, file.data_dir.data);
    say("start_time", (uint64_t)file.start_time);
    say("port", file.port);
    (void)printf("socket_dir=%.*s\n", (int)file.socket_dir.len, file.socket_dir.data);
    (void)printf("listen_address=%.*s\n", (int)file.listen_address.len, file.listen_address.data);
    say("shared_memory", file.shared_memory_key != 0);
    (void)printf("status=%s\n", names[file.status]);
    buf_free(&buf);
    struct buf opts = read_file(pgdata, "postmaster.opts");
    static const char *const answers[] = {"unknown", "yes", "no"};
    (void)printf("initdb_server=%s\n",
                 answers[postmaster_opts_is_initdb_server(buf_text(&opts), opts.len)]);
    buf_free(&opts);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "control") == 0)
        return say_control(argv[2]);
    if (argc == 7 && strcmp(argv[1], "wal") == 0)
        return say_wal(argv[2], argv[3], argv[4], (uint32_t)strtoul(argv[5], NULL, 10),
                       strtol(argv[6], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "history") == 0)
        return say_history(argv[2], argv[3], argv[4]);
    if (argc == 3 && strcmp(argv[1], "label") == 0)
        return say_label(argv[2]);
    if (argc == 3 && strcmp(argv[1], "pid") == 0)
        return say_pid(argv[2]);
    return 64;
}
