#ifndef TEMPLATES_TEMPLATE_H
#define TEMPLATES_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "templates/quote.h"

/*
 * Renders a template: ${NAME} and its POSIX operators, ${NAME@encoder}, $${ for a literal ${, and
 * the whole-line directives #@if, #@else, #@end, #@for peer. docs/templates.md is the grammar as
 * people read it. Deterministic, in time linear in text and output; a value is never expanded
 * again.
 */

#define TEMPLATE_DEPTH_MAX 32 /* of ${ in ${, and of directives in directives */
#define TEMPLATE_NO_PEER SIZE_MAX

struct template_span {
    const char *data;
    size_t len;
};

struct template_source {
    const char *text;
    size_t len;
    enum quote_kind kind; /* of the file that is made */
};

struct template_scope {
    /* The value of NAME; PEER is the peer of the loop or TEMPLATE_NO_PEER. False: it is not set.
     * The value stays readable until the rendering ends. */
    bool (*lookup)(void *user, const char *name, size_t len, size_t peer,
                   struct template_span *value);
    void *user;
    size_t peer_count;
};

enum template_problem {
    TEMPLATE_UNSET,         /* subject: the name */
    TEMPLATE_REQUIRED,      /* ${NAME:?text}: subject the name, text as expanded, "" for none */
    TEMPLATE_UNQUOTABLE,    /* subject: the name; quote says why */
    TEMPLATE_VALUE_LONG,    /* subject: the name; the scratch is too small */
    TEMPLATE_OUTPUT_LONG,   /* the sink took no more; rendering stopped here */
    TEMPLATE_UNTERMINATED,  /* a ${ without its } in the same line */
    TEMPLATE_BAD_NAME,      /* no name after ${ */
    TEMPLATE_BAD_OPERATOR,  /* subject: the name */
    TEMPLATE_BAD_ENCODER,   /* subject: the encoder's name */
    TEMPLATE_DEEP,          /* ${ nested deeper than TEMPLATE_DEPTH_MAX */
    TEMPLATE_BAD_DIRECTIVE, /* subject: what follows #@ */
    TEMPLATE_BAD_CONDITION, /* #@if is not NAME, NAME == WORD or NAME != WORD */
    TEMPLATE_BAD_LIST,      /* subject: what #@for names; only peer is known */
    TEMPLATE_FOR_IN_FOR,
    TEMPLATE_ELSE_ALONE, /* no #@if before it, or a second #@else */
    TEMPLATE_END_ALONE,
    TEMPLATE_NO_END, /* at the directive that is never ended */
    TEMPLATE_BLOCKS_DEEP,
    TEMPLATE_NUL, /* a NUL byte in the template */
};

/* One error, at a place that counts from 1, columns in bytes. Valid during the callback. */
struct template_error {
    enum template_problem problem;
    size_t line, column;
    struct template_span subject, text;
    enum quote_status quote;
};

struct template_output {
    struct quote_sink sink;
    void (*error)(void *user, const struct template_error *error);
    void *error_user;
    char *scratch; /* words and encoded values are built here */
    size_t scratch_size;
};

/* Returns the number of errors; all are told, also behind the first. With one or more of them the
 * text that reached the sink is of no use. */
size_t template_render(const struct template_source *source, const struct template_scope *scope,
                       const struct template_output *output);

#endif
