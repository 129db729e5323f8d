#include "roles/backup_label.h"

#include "roles/lsn.h"
#include "roles/text.h"

/* The rest of the next line when that begins with PREFIX; no data otherwise, or when the line has
 * no end. */
static struct span take_line(struct span *rest, const char *prefix)
{
    struct span prefix_span = {prefix, 0};
    struct span line = text_cut(*rest, '\n', rest);
    while (prefix[prefix_span.len] != '\0')
        prefix_span.len++;
    if (rest->data == NULL || !text_starts(line, prefix))
        return (struct span){NULL, 0};
    return text_from(line, prefix_span.len);
}

/* "0/2000028 (file 000000010000000000000002)": position and, at the file's beginning, timeline. */
static bool parse_start(struct backup_label *label, struct span value)
{
    struct span file;
    struct span lsn = text_cut(value, ' ', &file);
    if (!lsn_parse(lsn, &label->start) || !text_starts(file, "(file ") || file.len != 31)
        return false;
    return file.data[30] == ')' &&
           lsn_timeline_parse((struct span){file.data + 6, 8}, &label->timeline);
}

/* The lines stand in this order, and a LABEL, which is the user's text, may hold lines that look
 * like others; so the timeline is the one in the first line, and the line that repeats it must
 * agree, as the server asks too. */
bool backup_label_parse(struct backup_label *label, const char *text, size_t len)
{
    struct span rest = {text, len};
    struct backup_label read = {0};
    if (!parse_start(&read, take_line(&rest, "START WAL LOCATION: ")) ||
        !lsn_parse(take_line(&rest, "CHECKPOINT LOCATION: "), &read.checkpoint) ||
        take_line(&rest, "BACKUP METHOD: ").len == 0)
        return false;
    struct span from = take_line(&rest, "BACKUP FROM: ");
    read.from_standby = text_is(from, "standby");
    if (!read.from_standby && !text_is(from, "primary") && !text_is(from, "master"))
        return false;
    bool has_timeline = false;
    while (rest.data != NULL && !has_timeline) {
        uint64_t timeline;
        struct span value = take_line(&rest, "START TIMELINE: ");
        if (value.data == NULL)
            continue;
        has_timeline = text_u64(value, &timeline) && timeline == read.timeline;
        if (!has_timeline)
            return false;
    }
    if (has_timeline)
        *label = read;
    return has_timeline;
}
