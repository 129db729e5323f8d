#include "init/render_errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "init/sys/log.h"

#define SHOWN_MAX 200 /* bytes of a template that an error repeats */

void render_errors_add_err(struct render_errors *errors, const struct err *failure)
{
    errors->count++;
    if (errors->count == 1) {
        errors->first = *failure;
        return;
    }
    if (errors->count == 2)
        log_error("%s", errors->first.message);
    if (errors->count <= RENDER_ERRORS_SHOWN)
        log_error("%s", failure->message);
}

void render_errors_add(struct render_errors *errors, const char *format, ...)
{
    struct err failure;
    char message[sizeof failure.message];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    err_set(&failure, ERR_CONFIG, "%s", message);
    render_errors_add_err(errors, &failure);
}

bool render_errors_end(const struct render_errors *errors, struct err *err)
{
    if (errors->count == 0)
        return true;
    if (errors->count > RENDER_ERRORS_SHOWN)
        log_error("and %zu more", errors->count - RENDER_ERRORS_SHOWN);
    if (errors->count == 1)
        *err = errors->first;
    else
        err_set(err, errors->first.kind, "%zu errors in the templates, the first: %s",
                errors->count, errors->first.message);
    return false;
}

static const char *why_unquotable(enum quote_status status)
{
    switch (status) {
    case QUOTE_NUL:
        return "it holds a NUL byte";
    case QUOTE_NEWLINE:
        return "it holds a line break, which has no form here";
    case QUOTE_BACKSLASH:
        return "a backslash beside it would change the text; $${ is a literal ${";
    case QUOTE_UTF8:
        return "it is no UTF-8, as JSON must be";
    case QUOTE_TOUCHES:
        return "it needs quotes, but other text touches it: put quotes round the whole word";
    case QUOTE_OK:
    case QUOTE_FULL:
        break;
    }
    return "it has no form here";
}

/* The sentence of a problem: the subject stands between the two halves, where there is a second. */
static const struct {
    const char *before;
    const char *after;
} sentences[] = {
    [TEMPLATE_UNSET] = {"'",                                                  "' is not set"                                                                },
    [TEMPLATE_REQUIRED] = {"'",                                                  "' is needed"                                                                 },
    [TEMPLATE_UNQUOTABLE] = {"'",                                                  "' cannot be written: "                                                       },
    [TEMPLATE_VALUE_LONG] = {"'",                                                  "' becomes too long"                                                          },
    [TEMPLATE_OUTPUT_LONG] = {"the file becomes too large",                         NULL                                                                          },
    [TEMPLATE_UNTERMINATED] = {"this ${ has no } in its line ($${ is a literal ${)", NULL                                                                          },
    [TEMPLATE_BAD_NAME] = {"a name must follow ${ ($${ is a literal ${)",        NULL                                                                          },
    [TEMPLATE_BAD_OPERATOR] = {"after '${",                                          "' must come } or :- - :? ? :+ + or @ENCODER"                                 },
    [TEMPLATE_BAD_ENCODER] =
        {"'@",                                                 "' is no encoder: @redis @pgconf @pghba @pgpass @conninfo @url @json @sh @raw"},
    [TEMPLATE_DEEP] = {"${ is nested too deeply",                            NULL                                                                          },
    [TEMPLATE_BAD_DIRECTIVE] = {"'#@",                                                "' is no directive: #@if, #@else, #@end, #@for peer"                          },
    [TEMPLATE_BAD_CONDITION] = {"#@if takes NAME, NAME == WORD or NAME != WORD",      NULL                                                                          },
    [TEMPLATE_BAD_LIST] = {"#@for takes 'peer', not '",                          "'"                                                                           },
    [TEMPLATE_FOR_IN_FOR] = {"#@for peer cannot stand inside another",             NULL                                                                          },
    [TEMPLATE_ELSE_ALONE] = {"#@else without its #@if",                            NULL                                                                          },
    [TEMPLATE_END_ALONE] = {"#@end without its #@if or #@for",                    NULL                                                                          },
    [TEMPLATE_NO_END] = {"this directive has no #@end",                        NULL                                                                          },
    [TEMPLATE_BLOCKS_DEEP] = {"directives are nested too deeply",                   NULL                                                                          },
    [TEMPLATE_NUL] = {"a NUL byte, and a template is text",                 NULL                                                                          },
};

static int shown(struct template_span span)
{
    return (int)(span.len < SHOWN_MAX ? span.len : SHOWN_MAX);
}

/* What the sentence ends with. */
static const char *reason(const struct template_error *error)
{
    if (error->problem == TEMPLATE_UNQUOTABLE)
        return why_unquotable(error->quote);
    if (error->problem == TEMPLATE_REQUIRED && error->text.len > 0)
        return ": ";
    if (error->problem == TEMPLATE_UNSET && error->subject.len > 5 &&
        strncasecmp(error->subject.data, "PEER_", 5) == 0)
        return " (of a peer, inside #@for peer, where that is known)";
    return "";
}

void render_errors_template(void *user, const struct template_error *error)
{
    struct render_errors *errors = user;
    const char *before = sentences[error->problem].before;
    const char *after = sentences[error->problem].after;
    struct template_span subject = after != NULL ? error->subject : (struct template_span){"", 0};

    render_errors_add(errors, "%s:%zu:%zu: %s%.*s%s%s%.*s", errors->file, error->line,
                      error->column, before, shown(subject), subject.data,
                      after != NULL ? after : "", reason(error), shown(error->text),
                      error->text.data);
}
