#ifndef TEMPLATES_TEMPLATE_RUN_H
#define TEMPLATES_TEMPLATE_RUN_H

#include "templates/template.h"

/* One rendering under way: shared by template.c (lines, directives) and template_expand.c
 * (placeholders). */
struct template_run {
    const struct template_scope *scope;
    const struct template_output *output;
    struct quote_cursor cursor;
    const char *line_start; /* of the line that is read */
    size_t line;
    size_t peer;
    size_t scratch_used;
    size_t errors;
    bool active;  /* this line is to be written */
    bool muted;   /* its errors were told for an earlier peer */
    bool failed;  /* this placeholder has no value; that was told */
    bool stopped; /* the sink is full */
};

/* Tells an error at AT in the present line. Returns false. */
bool template_run_error(struct template_run *run, enum template_problem problem, const char *at,
                        struct template_span subject);
void template_run_tell(struct template_run *run, struct template_error *error);

/* Names are [A-Za-z_][A-Za-z0-9_]*. Returns its end, AT where there is none. */
const char *template_run_name(const char *at, const char *end);

/* Expands [AT, END), one line with its newline, into the sink; where the run is not active it only
 * looks for errors of syntax. A syntax error ends its line. */
void template_run_line(struct template_run *run, const char *at, const char *end);

#endif
