#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/tar_stream.h"

#define ARCHIVE_MAX (64 * 1024)

/* An archive in the making, as src/port/tar.c of the server makes one. */
static char archive[ARCHIVE_MAX];
static size_t archive_len;

static char *add_block(void)
{
    char *block = archive + archive_len;
    assert_true(archive_len + TAR_STREAM_BLOCK <= ARCHIVE_MAX);
    memset(block, 0, TAR_STREAM_BLOCK);
    archive_len += TAR_STREAM_BLOCK;
    return block;
}

static void seal(char *header)
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < TAR_STREAM_BLOCK; i++)
        sum += (unsigned char)header[i];
    (void)snprintf(header + 148, 8, "%07o", sum);
    header[155] = ' ';
}

static char *add_header(const char *name, char type, const char *link, size_t size)
{
    char *header = add_block();
    (void)strncpy(header, name, 100);
    memcpy(header + 100, "0000600 ", 8);
    (void)snprintf(header + 124, 12, "%011zo", size);
    header[135] = ' ';
    memcpy(header + 136, "15123456701 ", 12);
    header[156] = type;
    (void)strncpy(header + 157, link, 100);
    memcpy(header + 257,
           "ustar\0"
           "00",
           8);
    memcpy(header + 265, "postgres", 8);
    seal(header);
    return header;
}

static void add_file(const char *name, const char *contents, size_t len)
{
    (void)add_header(name, '0', "", len);
    for (size_t done = 0; done < len; done += TAR_STREAM_BLOCK) {
        size_t left = len - done;
        memcpy(add_block(), contents + done, left < TAR_STREAM_BLOCK ? left : TAR_STREAM_BLOCK);
    }
}

static void add_end(void)
{
    (void)add_block();
    (void)add_block();
}

/* What the reader says of the archive, one line an event, pieces of data put together. */
static char told[8192];

static void tell(const char *word, const char *text, size_t len)
{
    size_t at = strlen(told);
    (void)snprintf(told + at, sizeof(told) - at, "%s%.*s", word, (int)len, text);
}

static void tell_entry(const struct tar_stream_entry *entry)
{
    static const char types[] = {
        [TAR_STREAM_FILE] = 'f', [TAR_STREAM_DIRECTORY] = 'd', [TAR_STREAM_LINK] = 'l'};
    size_t at = strlen(told);
    (void)snprintf(told + at, sizeof(told) - at, "%c %s %o %llu %s[", types[entry->type],
                   entry->name, entry->mode, (unsigned long long)entry->size, entry->link);
}

static enum tar_stream_problem feed(struct tar_stream *stream, struct span fed)
{
    struct span data;
    for (;;) {
        switch (tar_stream_next(stream, &fed, &data)) {
        case TAR_STREAM_MORE:
            assert_int_equal(fed.len, 0);
            return TAR_STREAM_FINE;
        case TAR_STREAM_ENTRY:
            tell_entry(&stream->entry);
            break;
        case TAR_STREAM_DATA:
            assert_true(data.len > 0);
            tell("", data.data, data.len);
            break;
        case TAR_STREAM_ENTRY_END:
            tell("]\n", "", 0);
            break;
        case TAR_STREAM_END:
            tell("end\n", "", 0);
            break;
        case TAR_STREAM_REFUSED:
            return stream->problem;
        }
    }
}

/* Reads the archive's first LEN bytes in pieces of STEP. */
static enum tar_stream_problem read_pieces(size_t len, size_t step)
{
    struct tar_stream stream;
    *told = '\0';
    tar_stream_begin(&stream);
    for (size_t at = 0; at < len; at += step) {
        size_t size = len - at < step ? len - at : step;
        char *exact = malloc(size); /* so that one byte too far is seen */
        assert_non_null(exact);
        memcpy(exact, archive + at, size);
        enum tar_stream_problem problem = feed(&stream, (struct span){exact, size});
        free(exact);
        if (problem != TAR_STREAM_FINE)
            return problem;
    }
    return tar_stream_finish(&stream);
}

static enum tar_stream_problem read_all(void)
{
    return read_pieces(archive_len, archive_len);
}

static void add_backup(void)
{
    static char page[1024];
    memset(page, 'p', sizeof(page));
    archive_len = 0;
    add_file("backup_label", "START", 5);
    (void)add_header("pg_wal/", '5', "", 0);
    (void)add_header("./pg_wal/archive_status/", '5', "", 0);
    (void)add_header("pg_tblspc/16384/", '2', "/mnt/space", 0);
    add_file("base/1/1", "", 0);
    add_file("base/1/2", page, sizeof(page));
    add_file("global/pg_control", "C", 1);
}

static const char backup_head[] = "f backup_label 600 5 [START]\n"
                                  "d pg_wal 600 0 []\n"
                                  "d pg_wal/archive_status 600 0 []\n"
                                  "l pg_tblspc/16384 600 0 /mnt/space[]\n"
                                  "f base/1/1 600 0 []\n"
                                  "f base/1/2 600 1024 [";

static void a_backup_is_read_in_pieces_of_any_size(void **state)
{
    char whole[sizeof(told)];
    (void)state;
    add_backup();
    add_end();
    assert_int_equal(read_all(), TAR_STREAM_FINE);
    assert_memory_equal(told, backup_head, sizeof(backup_head) - 1);
    assert_non_null(strstr(told, "f global/pg_control 600 1 [C]\nend\n"));
    strcpy(whole, told);
    for (size_t step = 1; step < 1600; step += step < 20 ? 1 : 37) {
        assert_int_equal(read_pieces(archive_len, step), TAR_STREAM_FINE);
        assert_string_equal(told, whole);
    }
}

static void an_archive_without_end_mark_is_of_an_older_server(void **state)
{
    (void)state;
    add_backup();
    assert_int_equal(read_all(), TAR_STREAM_FINE);
    assert_null(strstr(told, "end\n"));
    (void)add_block(); /* half of a mark */
    assert_int_equal(read_all(), TAR_STREAM_CUT);
}

static void a_cut_within_an_entry_is_told(void **state)
{
    (void)state;
    archive_len = 0;
    add_file("one", "12345", 5);
    add_file("two", "12345", 5);
    add_end();
    for (size_t len = 0; len <= archive_len; len++) {
        bool between = len == 0 || len == 1024 || len == 2048 || len == archive_len;
        assert_int_equal(read_pieces(len, 100), between ? TAR_STREAM_FINE : TAR_STREAM_CUT);
    }
}

static void behind_the_end_only_zeros_may_stand(void **state)
{
    (void)state;
    archive_len = 0;
    add_file("one", "", 0);
    add_end();
    add_end();
    assert_int_equal(read_all(), TAR_STREAM_FINE);
    assert_string_equal(told, "f one 600 0 []\nend\n");
    add_file("two", "", 0);
    assert_int_equal(read_all(), TAR_STREAM_TRAILING);
}

static void sizes_beyond_octal_are_base_256(void **state)
{
    struct tar_stream stream;
    struct span data;
    (void)state;
    archive_len = 0;
    char *header = add_header("big", '0', "", 0);
    memcpy(header + 124, "\x80\0\0\0\0\0\0\x20\0\0\0\1", 12); /* 128 GB and a byte */
    seal(header);
    tar_stream_begin(&stream);
    assert_int_equal(tar_stream_next(&stream, &(struct span){archive, 512}, &data),
                     TAR_STREAM_ENTRY);
    assert_int_equal(stream.entry.size, 0x2000000001);
    memcpy(header + 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    seal(header);
    tar_stream_begin(&stream);
    assert_int_equal(tar_stream_next(&stream, &(struct span){archive, 512}, &data),
                     TAR_STREAM_ENTRY);
    assert_int_equal(stream.entry.size, INT64_MAX);
}

/* A header with LEN bytes changed at AT and a checksum that fits. */
static enum tar_stream_problem changed(size_t at, const char *bytes, size_t len)
{
    archive_len = 0;
    char *header = add_header("name", '0', "", 0);
    memcpy(header + at, bytes, len);
    seal(header);
    return read_all();
}

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    assert_int_equal(changed(257, "ustar  ", 8), TAR_STREAM_BAD_HEADER); /* GNU's */
    assert_int_equal(changed(257, "\0\0\0\0\0\0\0\0", 8), TAR_STREAM_BAD_HEADER);
    assert_int_equal(changed(124, "            ", 12), TAR_STREAM_BAD_HEADER);
    assert_int_equal(changed(124, "00000000009 ", 12), TAR_STREAM_BAD_HEADER);
    assert_int_equal(changed(124, "-0000000001 ", 12), TAR_STREAM_BAD_HEADER);
    assert_int_equal(changed(124, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12), TAR_STREAM_BAD_HEADER);
    assert_int_equal(changed(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12),
                     TAR_STREAM_BAD_HEADER);
    assert_int_equal(changed(100, "0010600 ", 8), TAR_STREAM_BAD_HEADER);
    assert_int_equal(changed(100, "rw------", 8), TAR_STREAM_BAD_HEADER);
    archive_len = 0;
    (void)add_header("directory/", '5', "", 512);
    (void)add_block();
    assert_int_equal(read_all(), TAR_STREAM_BAD_HEADER);
    archive_len = 0;
    (void)add_header("link", '2', "", 0);
    assert_int_equal(read_all(), TAR_STREAM_BAD_HEADER);
}

static void only_files_directories_and_links_are_known(void **state)
{
    (void)state;
    for (int type = 1; type < 256; type++) {
        archive_len = 0;
        (void)add_header("name", (char)type, "target", 0);
        bool known = type == '0' || type == '2' || type == '5';
        assert_int_equal(read_all(), known ? TAR_STREAM_FINE : TAR_STREAM_BAD_TYPE);
    }
}

static void names_that_lead_out_are_refused(void **state)
{
    static const char *const names[] = {
        "",     ".",    "./",        "/",      "/etc/passwd", "..",
        "../x", "a/..", "a/../../x", "a/../b", "./..",        "file/",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        archive_len = 0;
        (void)add_header(names[i], '0', "", 0);
        assert_int_equal(read_all(), TAR_STREAM_UNSAFE_NAME);
    }
    assert_int_equal(changed(345, "..", 2), TAR_STREAM_UNSAFE_NAME);
    assert_int_equal(changed(345, "/etc", 4), TAR_STREAM_UNSAFE_NAME);
}

static void names_are_made_plain(void **state)
{
    (void)state;
    archive_len = 0;
    (void)add_header("./a//b/./c/", '5', "", 0);
    (void)add_header("...", '0', "", 0);
    char *header = add_header("tail", '0', "", 0);
    memcpy(header + 345, "some/prefix", 11);
    seal(header);
    assert_int_equal(read_all(), TAR_STREAM_FINE);
    assert_string_equal(told, "d a/b/c 600 0 []\nf ... 600 0 []\nf some/prefix/tail 600 0 []\n");
}

static void the_longest_names_fit(void **state)
{
    struct tar_stream stream;
    struct span data;
    (void)state;
    archive_len = 0;
    char *header = add_header("", '2', "", 0);
    memset(header, 'n', 100);
    memset(header + 345, 'p', 155);
    memset(header + 157, 'l', 100);
    seal(header);
    tar_stream_begin(&stream);
    assert_int_equal(tar_stream_next(&stream, &(struct span){archive, 512}, &data),
                     TAR_STREAM_ENTRY);
    assert_int_equal(strlen(stream.entry.name), TAR_STREAM_NAME_MAX - 1);
    assert_int_equal(strlen(stream.entry.link), TAR_STREAM_LINK_MAX - 1);
}

/* The checksum's own field aside, which may be written in more than one way. */
static void every_flipped_bit_of_a_header_is_seen(void **state)
{
    (void)state;
    archive_len = 0;
    (void)add_header("name", '0', "", 0);
    for (size_t bit = 0; bit < 8 * (size_t)TAR_STREAM_BLOCK; bit++) {
        if (bit / 8 >= 148 && bit / 8 < 156)
            continue;
        archive[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(read_all(), TAR_STREAM_BAD_CHECKSUM);
        archive[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void a_refusal_is_final(void **state)
{
    struct tar_stream stream;
    struct span data, fed;
    (void)state;
    add_backup();
    archive[0] ^= 1;
    tar_stream_begin(&stream);
    for (int i = 0; i < 3; i++) {
        fed = (struct span){archive + 512L * i, 512};
        assert_int_equal(tar_stream_next(&stream, &fed, &data), TAR_STREAM_REFUSED);
    }
    assert_int_equal(tar_stream_finish(&stream), TAR_STREAM_BAD_CHECKSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_is_read_in_pieces_of_any_size),
        cmocka_unit_test(an_archive_without_end_mark_is_of_an_older_server),
        cmocka_unit_test(a_cut_within_an_entry_is_told),
        cmocka_unit_test(behind_the_end_only_zeros_may_stand),
        cmocka_unit_test(sizes_beyond_octal_are_base_256),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(only_files_directories_and_links_are_known),
        cmocka_unit_test(names_that_lead_out_are_refused),
        cmocka_unit_test(names_are_made_plain),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(every_flipped_bit_of_a_header_is_seen),
        cmocka_unit_test(a_refusal_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
