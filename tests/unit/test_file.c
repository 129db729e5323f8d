#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/sys/file.h"

/* Linked with --wrap: a call fails with the number that is set. */
static int fsync_fails, rename_fails, write_fails;
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

int __wrap_fsync(int fd)
{
    if (fsync_fails != 0) {
        errno = fsync_fails;
        return -1;
    }
    return __real_fsync(fd);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (rename_fails != 0) {
        errno = rename_fails;
        return -1;
    }
    return __real_renameat(from_dir, from, to_dir, to);
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    if (write_fails != 0) {
        errno = write_fails;
        return -1;
    }
    /* short writes are allowed */
    return __real_write(fd, data, len > 3 ? 3 : len);
}

static char home[64];

static int enter_a_new_directory(void **state)
{
    (void)state;
    strcpy(home, "/tmp/ordain-file-XXXXXX");
    fsync_fails = rename_fails = write_fails = 0;
    return mkdtemp(home) == NULL || chdir(home) != 0;
}

static int leave_it(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", home);
    return chdir("/") != 0 || system(command) != 0;
}

static void put(const char *name, const char *data, size_t len)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void expect(const char *name, const char *text)
{
    struct buf buf = buf_new(100000);
    struct err err;
    assert_true(file_read(name, &buf, NULL, &err));
    assert_string_equal(buf_text(&buf), text);
    buf_free(&buf);
}

static int count_entries(void)
{
    FILE *list = popen("ls -A | wc -l", "r");
    int count = -1;
    assert_non_null(list);
    assert_int_equal(fscanf(list, "%d", &count), 1);
    (void)pclose(list);
    return count;
}

static void a_missing_file_is_a_fact_or_a_failure(void **state)
{
    (void)state;
    struct buf buf = buf_new(10);
    struct err err;
    enum file_presence presence = FILE_THERE;
    assert_true(file_read("none", &buf, &presence, &err));
    assert_int_equal(presence, FILE_ABSENT);
    assert_false(file_read("none", &buf, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.message, "cannot open 'none': No such file or directory");
    buf_free(&buf);
}

static void a_file_is_read_whole_up_to_the_cap(void **state)
{
    (void)state;
    struct buf buf = buf_new(5);
    struct err err;
    enum file_presence presence = FILE_ABSENT;
    put("five", "a\0b\nc", 5);
    assert_true(file_read("five", &buf, &presence, &err));
    assert_int_equal(presence, FILE_THERE);
    assert_int_equal(buf.len, 5);
    put("six", "123456", 6);
    assert_false(file_read("six", &buf, &presence, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.message, "'six' is larger than 5 bytes");
    put("empty", "", 0);
    assert_true(file_read("empty", &buf, &presence, &err));
    assert_int_equal(buf.len, 0);
    buf_free(&buf);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    (void)state;
    struct buf buf = buf_new(10);
    struct err err;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_false(file_read("pipe", &buf, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(file_read(".", &buf, NULL, &err));
    assert_string_equal(err.message, "'.' is a directory, not a regular file");
    assert_false(file_read("/dev/zero", &buf, NULL, &err));
    buf_free(&buf);
}

static void reading_follows_links_as_config_maps_need_it(void **state)
{
    (void)state;
    put("data", "text", 4);
    assert_int_equal(symlink("data", "link"), 0);
    expect("link", "text");
}

static void a_written_file_has_exactly_data_and_mode(void **state)
{
    (void)state;
    struct err err;
    struct stat status;
    bool written = false;
    (void)umask(077);
    assert_true(file_write("new", "0123456789", 10, 0644, &written, &err));
    (void)umask(022);
    assert_true(written);
    assert_int_equal(stat("new", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    expect("new", "0123456789");
    assert_int_equal(count_entries(), 1);
}

static void the_same_again_writes_nothing(void **state)
{
    (void)state;
    struct err err;
    struct stat before, after;
    bool written = true;
    char *large = calloc(1, 40000);
    assert_non_null(large);
    assert_true(file_write("f", large, 40000, 0600, NULL, &err));
    assert_int_equal(stat("f", &before), 0);
    assert_true(file_write("f", large, 40000, 0600, &written, &err));
    assert_false(written);
    assert_int_equal(stat("f", &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    large[39999] = 'x';
    assert_true(file_write("f", large, 40000, 0600, &written, &err));
    assert_true(written);
    assert_true(file_write("f", large, 39999, 0600, &written, &err));
    assert_true(written);
    assert_true(file_write("f", large, 39999, 0640, &written, &err));
    assert_true(written);
    free(large);
}

static void a_link_is_replaced_and_its_target_stays(void **state)
{
    (void)state;
    struct err err;
    struct stat status;
    put("target", "same", 4);
    assert_int_equal(chmod("target", 0644), 0);
    assert_int_equal(symlink("target", "link"), 0);
    assert_true(file_write("link", "same", 4, 0644, NULL, &err));
    assert_int_equal(lstat("link", &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_true(file_write("link", "new", 3, 0644, NULL, &err));
    expect("target", "same");
}

static void leftovers_of_killed_runs_go_and_others_stay(void **state)
{
    (void)state;
    struct err err;
    put(".role.ordain-abcdefgh", "half", 4);
    put(".role.ordain-abc", "not ours", 8);
    put(".roles.ordain-abcdefgh", "another's", 9);
    /* a writer at work holds the lock of its own */
    put(".role.ordain-atwork00", "half", 4);
    int fd = open(".role.ordain-atwork00", O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_true(file_write("role", "master\n", 7, 0644, NULL, &err));
    assert_int_not_equal(access(".role.ordain-abcdefgh", F_OK), 0);
    assert_int_equal(access(".role.ordain-abc", F_OK), 0);
    assert_int_equal(access(".roles.ordain-abcdefgh", F_OK), 0);
    assert_int_equal(access(".role.ordain-atwork00", F_OK), 0);
    assert_int_equal(count_entries(), 4);
    assert_int_equal(close(fd), 0);
}

static void a_failure_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    struct err err;
    put("f", "old", 3);
    write_fails = ENOSPC;
    assert_false(file_write("f", "new", 3, 0644, NULL, &err));
    assert_int_equal(err.kind, ERR_IO);
    assert_string_equal(err.message, "cannot write 'f': No space left on device");
    write_fails = 0;
    fsync_fails = EIO;
    assert_false(file_write("f", "new", 3, 0644, NULL, &err));
    assert_int_equal(err.kind, ERR_IO);
    fsync_fails = 0;
    rename_fails = EBUSY;
    assert_false(file_write("f", "new", 3, 0644, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.message, "subPath"));
    rename_fails = EACCES;
    assert_false(file_write("f", "new", 3, 0644, NULL, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    rename_fails = 0;
    expect("f", "old");
    assert_int_equal(count_entries(), 1);
}

static void a_directory_that_cannot_sync_is_no_failure(void **state)
{
    (void)state;
    struct err err;
    put("f", "", 0);
    fsync_fails = EINVAL;
    assert_true(file_remove("f", &err));
    put("f", "", 0);
    fsync_fails = EIO;
    assert_false(file_remove("f", &err));
    assert_int_equal(err.kind, ERR_IO);
}

static void a_path_that_cannot_be_a_file_is_refused(void **state)
{
    (void)state;
    struct err err;
    char path[5000];
    memset(path, 'a', sizeof path);
    path[4999] = '\0';
    path[4500] = '/';
    assert_false(file_write("dir/", "", 0, 0644, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(file_write("..", "", 0, 0644, NULL, &err));
    assert_false(file_write(path, "", 0, 0644, NULL, &err));
    assert_false(file_write("none/f", "", 0, 0644, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.message, "cannot open the directory 'none': No such file or directory");
    path[250] = '\0';
    assert_false(file_write(path, "", 0, 0644, NULL, &err));
    assert_int_equal(mkdir("d", 0755), 0);
    assert_false(file_write("d", "", 0, 0644, NULL, &err));
    assert_string_equal(err.message, "cannot replace 'd': it is a directory");
    assert_int_equal(count_entries(), 1);
}

static void an_absolute_path_below_the_root_directory_works(void **state)
{
    (void)state;
    struct err err;
    assert_true(file_remove("/ordain-is-not-there", &err));
}

static void removing_twice_is_no_failure(void **state)
{
    (void)state;
    struct err err;
    put("f", "", 0);
    assert_true(file_remove("f", &err));
    assert_true(file_remove("f", &err));
    assert_int_equal(count_entries(), 0);
    assert_int_equal(mkdir("d", 0755), 0);
    assert_false(file_remove("d", &err));
}

static void paths_are_joined_with_one_slash(void **state)
{
    (void)state;
    struct err err;
    char path[4096];
    char name[4200];
    assert_true(file_join(path, "/data", "nodes.conf", &err));
    assert_string_equal(path, "/data/nodes.conf");
    assert_true(file_join(path, "/data/", "nodes.conf", &err));
    assert_string_equal(path, "/data/nodes.conf");
    assert_true(file_join(path, "", "nodes.conf", &err));
    assert_string_equal(path, "nodes.conf");
    memset(name, 'a', sizeof name);
    name[4094] = '\0';
    assert_true(file_join(path, "/", name, &err));
    name[4094] = 'a';
    name[4095] = '\0';
    assert_false(file_join(path, "/", name, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void one_newline_of_a_secret_is_dropped(void **state)
{
    (void)state;
    struct buf buf = buf_new(100);
    struct err err;
    put("s", "geheim\n", 7);
    assert_true(file_read_secret("s", &buf, &err));
    assert_string_equal(buf_text(&buf), "geheim");
    put("s", " geheim", 7);
    assert_true(file_read_secret("s", &buf, &err));
    assert_string_equal(buf_text(&buf), " geheim");
    buf_free(&buf);
}

static void a_secret_of_more_or_less_than_a_line_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } wrong[] = {
        {"",      0},
        {"\n",    1},
        {"a\n\n", 3},
        {"a\r\n", 3},
        {"a\nb",  3},
        {"a\0b",  3}
    };
    struct buf buf = buf_new(100);
    struct err err;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        put("s", wrong[i].text, wrong[i].len);
        assert_false(file_read_secret("s", &buf, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
    assert_false(file_read_secret("none", &buf, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.message, "secret file: cannot open 'none': No such file or directory");
    buf_free(&buf);
}

#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, enter_a_new_directory, leave_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_DIRECTORY(a_missing_file_is_a_fact_or_a_failure),
        IN_A_DIRECTORY(a_file_is_read_whole_up_to_the_cap),
        IN_A_DIRECTORY(what_is_no_regular_file_is_refused_without_waiting),
        IN_A_DIRECTORY(reading_follows_links_as_config_maps_need_it),
        IN_A_DIRECTORY(a_written_file_has_exactly_data_and_mode),
        IN_A_DIRECTORY(the_same_again_writes_nothing),
        IN_A_DIRECTORY(a_link_is_replaced_and_its_target_stays),
        IN_A_DIRECTORY(leftovers_of_killed_runs_go_and_others_stay),
        IN_A_DIRECTORY(a_failure_leaves_the_old_file_and_nothing_else),
        IN_A_DIRECTORY(a_directory_that_cannot_sync_is_no_failure),
        IN_A_DIRECTORY(a_path_that_cannot_be_a_file_is_refused),
        IN_A_DIRECTORY(an_absolute_path_below_the_root_directory_works),
        IN_A_DIRECTORY(removing_twice_is_no_failure),
        IN_A_DIRECTORY(paths_are_joined_with_one_slash),
        IN_A_DIRECTORY(one_newline_of_a_secret_is_dropped),
        IN_A_DIRECTORY(a_secret_of_more_or_less_than_a_line_is_refused),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
